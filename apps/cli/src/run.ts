import { Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { corruptCommand } from './commands/corrupt.ts';
import { dataCommand } from './commands/data.ts';
import { diffCommand } from './commands/diff.ts';
import { doctorCommand } from './commands/doctor.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { exportCommand } from './commands/export.ts';
import { extractCommand } from './commands/extract.ts';
import { inspectCommand } from './commands/inspect.ts';
import { patchCommand } from './commands/patch.ts';
import { quantizeCommand } from './commands/quantize.ts';
import { searchCommand } from './commands/search.ts';
import { trainCommand } from './commands/train.ts';
import { unpatchCommand } from './commands/unpatch.ts';
import { type ExitCode, exitCode } from './exit.ts';
import { reportError, reportJson } from './output.ts';

/** Runs the command line and returns the exit code. */
export async function run(args: readonly string[]): Promise<ExitCode> {
  const json = args.includes('--json');
  try {
    await program(args).parseAsync(args, { from: 'user' });
    return exitCode.ok;
  } catch (error) {
    return error instanceof CommanderError ? usage(error, json) : reportError(error, json);
  }
}

function program(args: readonly string[]): Command {
  const root = new Command('proj')
    .description(
      'Robust weight signatures and low-bit models: train, extract, patch, take off again; quantize.',
    )
    .version(manifest.version)
    .helpCommand(true)
    .showHelpAfterError('(--help shows examples)')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .option('--json', 'print the result as one JSON document')
    .option('-q, --quiet', 'print nothing but results and errors');
  const commands = [
    dataCommand(),
    trainCommand(args),
    quantizeCommand(args),
    evaluateCommand(),
    corruptCommand(),
    exportCommand(),
    extractCommand(),
    patchCommand(),
    searchCommand(),
    unpatchCommand(),
    inspectCommand(),
    diffCommand(),
    doctorCommand(),
  ];
  for (const command of commands) root.addCommand(command);
  inherit(root);
  return root;
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

/** Commander has printed help or what is wrong by now, but only as text. */
function usage({ exitCode: ended, code, message }: CommanderError, json: boolean): ExitCode {
  if (ended === 0) return exitCode.ok;
  const what =
    code === 'commander.help' ? 'name a command; --help lists them' : message.replace(/^error: /, '');
  if (json) reportJson(exitCode.usage, what, 'CLI_USAGE');
  return exitCode.usage;
}
