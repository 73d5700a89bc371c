#!/usr/bin/env node
import { Command } from 'commander';
import { demoCommand } from './commands/demo.ts';
import { reportError } from './commands/exit.ts';
import { listCommand } from './commands/list.ts';
import { modelsCommand } from './commands/models.ts';
import { planCommand } from './commands/plan.ts';
import { reportCommand } from './commands/report.ts';
import { retryCommand } from './commands/retry.ts';
import { runCommand } from './commands/run.ts';
import { serveCommand } from './commands/serve.ts';
import { statusCommand } from './commands/status.ts';
import { workerCommand } from './commands/worker.ts';

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough, such as head, is no failure.
    if (error.code !== 'EPIPE') throw error;
  });
}

const program = new Command('bench')
  .description('Experiments that anyone can rerun, resume and spread over machines.')
  .helpCommand(true)
  .showHelpAfterError('(--help shows examples)')
  .exitOverride();
const commands = [
  listCommand(),
  planCommand(),
  runCommand(),
  statusCommand(),
  retryCommand(),
  reportCommand(),
  workerCommand(),
  serveCommand(),
  demoCommand(),
  modelsCommand(),
];
for (const command of commands) program.addCommand(command.copyInheritedSettings(program));

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportError(error, process.argv.includes('--json'));
}
