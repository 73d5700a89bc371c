import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';
import { workplace } from './bench-process.ts';

const app = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(app, 'README.md'), 'utf8');
const source = /run by test\/readme\.test\.ts -->\n\n```ts\n(.+?)```/s.exec(readme)![1]!;

// As if the file lay in src/experiments and the app had been built: a copy of what is built, and the file with it.
const build = mkdtempSync(join(app, '.build-readme-'));
afterAll(() => rmSync(build, { recursive: true, force: true }));
const { bench, folder } = workplace(join(build, 'main.js'));

const config = join(app, 'tsconfig.build.json');
const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(config, ts.sys.readFile).config,
  ts.sys,
  app,
);

describe("the README's experiment", () => {
  it('has under 40 lines, and the types of the app', { timeout: 120_000 }, () => {
    expect(source.trimEnd().split('\n').length).toBeLessThan(40);
    const path = join(app, 'src', 'experiments', 'darts.ts');
    const host = ts.createCompilerHost(options);
    const { readFile, fileExists } = host;
    host.fileExists = (name) => name === path || fileExists(name);
    host.readFile = (name) => (name === path ? source : readFile(name));
    const program = ts.createProgram([path], { ...options, noEmit: true }, host);
    const file = program.getSourceFile(path)!;
    const problems = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
  });

  it('runs by its name, and reports what it says', async () => {
    cpSync(join(app, 'dist'), build, { recursive: true });
    const compilerOptions = { ...options, module: ts.ModuleKind.ESNext };
    const { outputText } = ts.transpileModule(source, { compilerOptions });
    writeFileSync(join(build, 'experiments', 'darts.js'), outputText);
    expect((await bench(['list'])).stdout).toContain('darts: π by throwing darts');
    const { code, stdout, stderr } = await bench(['run', 'darts']);
    expect(stderr).toContain('3 of 3 jobs to do');
    expect(code).toBe(0);
    expect(stdout).toMatch(/│ 3\.14\d\d ± 0\.0\d+\D+│ +3\.1416 │/);
    const reports = join(folder, 'bench-results', 'reports', 'darts-smoke');
    for (const name of ['index.html', 'report.md'])
      expect(readFileSync(join(reports, name), 'utf8'), name).toMatch(/3\.14\d\d/);
  });
});
