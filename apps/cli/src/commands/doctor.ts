import { availableParallelism, freemem, totalmem } from 'node:os';
import { Command } from 'commander';
import { cacheFolder } from '../dataset.ts';
import { bytes, table } from '../format.ts';
import type { GlobalOptions } from '../options.ts';
import { createOutput } from '../output.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('what this machine offers, which kernels are in force, and which flavours can be had')
    .action(async (_: unknown, self: Command) => {
      const output = createOutput(self.optsWithGlobals<GlobalOptions>());
      const { gigaflops, install, kernelReport } = await import('../wasm.ts');
      const kernels = kernelReport();
      const flavours: Record<string, number> = {};
      for (const flavour of ['reproducible', 'relaxed', 'wide'] as const) {
        install({ flavour });
        if (kernelReport().flavour === flavour) flavours[flavour] = await gigaflops();
      }
      const report = {
        node: process.versions.node,
        v8: process.versions.v8,
        platform: `${process.platform} ${process.arch}`,
        cores: availableParallelism(),
        memoryBytes: totalmem(),
        freeMemoryBytes: freemem(),
        cacheFolder: cacheFolder(),
        kernels,
        gigaflops: flavours,
      };
      output.result('proj.doctor/1', report, () =>
        table(
          ['what', 'found'],
          [
            ['Node', `${report.node} (V8 ${report.v8}), ${report.platform}`],
            ['cores', report.cores],
            ['memory', `${bytes(report.memoryBytes)}, ${bytes(report.freeMemoryBytes)} free`],
            [
              'kernels in force',
              `${kernels.flavour}, ${kernels.kernels.length} kernels, on ${kernels.backend}`,
            ],
            ...['reproducible', 'relaxed', 'wide'].map((flavour) => [
              `--flavour ${flavour}`,
              flavours[flavour] === undefined
                ? 'not to be had on this machine and Node'
                : `${flavours[flavour].toFixed(1)} GFLOP/s, matrix product 512³, one thread`,
            ]),
            ['cache folder', report.cacheFolder],
          ],
        ),
      );
    });
}
