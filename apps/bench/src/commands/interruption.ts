import { exitCode } from './exit.ts';

/**
 * A signal that Ctrl-C aborts, so that what runs saves its checkpoints; a second Ctrl-C ends this process at once, and with it those
 * of its jobs.
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
