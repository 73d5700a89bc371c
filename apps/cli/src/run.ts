import { Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { corruptCommand } from './commands/corrupt.ts';
import { dataCommand } from './commands/data.ts';
import { doctorCommand } from './commands/doctor.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { extractCommand } from './commands/extract.ts';
import { inspectCommand } from './commands/inspect.ts';
import { patchCommand } from './commands/patch.ts';
import { trainCommand } from './commands/train.ts';
import { unpatchCommand } from './commands/unpatch.ts';
import { codeOf, exitCode, exitCodeOf, isAbort } from './exit.ts';

/** Runs the command line and returns the exit code. Ctrl-C aborts the command's signal, a second one ends at once. */
export async function run(args: readonly string[]): Promise<number> {
  const interruption = new AbortController();
  const interrupt = () => {
    if (interruption.signal.aborted) process.exit(exitCode.interrupted);
    interruption.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const json = args.includes('--json');
  const program = new Command('proj')
    .description('Robust weight signatures for image models: train, extract, patch, take off again.')
    .version(manifest.version)
    .helpCommand(true)
    .showHelpAfterError('(--help shows examples)')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .option('--json', 'print the result as one JSON document')
    .option('-q, --quiet', 'print nothing but results and errors');
  const commands = [
    dataCommand,
    trainCommand,
    evaluateCommand,
    corruptCommand,
    extractCommand,
    patchCommand,
    unpatchCommand,
    inspectCommand,
    doctorCommand,
  ];
  for (const command of commands) program.addCommand(command(interruption.signal));
  inherit(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? exitCode.ok);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
    const exit = exitCodeOf(error);
    const code = codeOf(error);
    const message = isAbort(error) ? 'interrupted' : error instanceof Error ? error.message : String(error);
    if (json) process.stdout.write(`${JSON.stringify({ schema: 'proj.error/1', code, exit, message })}\n`);
    process.stderr.write(`proj: ${code === undefined || isAbort(error) ? '' : `${code}: `}${message}\n`);
    if (exit === exitCode.failed && error instanceof Error && code === undefined) {
      process.stderr.write(`${error.stack}\n`);
    }
    return exit;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

/** Every subcommand answers unknown options the way the program does, and takes --json and --quiet behind its name too. */
function inherit(parent: Command): void {
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent);
    command
      .option('--json', 'print the result as one JSON document')
      .option('-q, --quiet', 'print nothing but results and errors');
    inherit(command);
  }
}
