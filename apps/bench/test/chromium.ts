import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The path of the Chromium to test in: CHROMIUM, else the first one in PATH; undefined where there is none. */
export function chromiumPath(): string | undefined {
  const chosen = process.env['CHROMIUM'];
  if (chosen !== undefined) return chosen;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path));
}
