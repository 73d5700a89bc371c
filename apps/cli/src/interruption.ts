import { exitCode } from './exit.ts';

/**
 * A signal that Ctrl-C aborts, for commands that then have something to tidy up; a second Ctrl-C ends the process at once.
 * Commands that do not call this end at the first one.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(exitCode.interrupted);
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return controller.signal;
}
