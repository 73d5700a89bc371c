import { SingleBar } from 'cli-progress';

export interface Progress {
  update(done: number, detail?: string): void;
  end(): void;
}

export const silent: Progress = { update: () => undefined, end: () => undefined };

/** A progress bar with ETA on stderr; without a terminal one line every ten seconds. */
export function progressBar(title: string, total: number): Progress {
  const single = new SingleBar({
    format: `${title} {bar} {value}/{total}  {percentage} %  ETA {eta_formatted}  {detail}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    stream: process.stderr,
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
    etaBuffer: 50,
  });
  single.start(total, 0, { detail: '' });
  return {
    update: (done, detail = '') => single.update(done, { detail }),
    end: () => single.stop(),
  };
}
