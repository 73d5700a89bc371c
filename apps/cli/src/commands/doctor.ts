import { availableParallelism, freemem, totalmem } from 'node:os';
import { Command } from 'commander';
import { cacheFolder } from '../dataset.ts';
import { bytes, table } from '../format.ts';
import type { GlobalOptions } from '../options.ts';
import { createOutput } from '../output.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('what this machine offers and which kernels are in force')
    .action(async (_: unknown, self: Command) => {
      const output = createOutput(self.optsWithGlobals<GlobalOptions>());
      const { gigaflops, kernelReport } = await import('../wasm.ts');
      const report = {
        node: process.versions.node,
        v8: process.versions.v8,
        platform: `${process.platform} ${process.arch}`,
        cores: availableParallelism(),
        memoryBytes: totalmem(),
        freeMemoryBytes: freemem(),
        cacheFolder: cacheFolder(),
        kernels: kernelReport(),
        gigaflops: await gigaflops(),
      };
      output.result('proj.doctor/1', report, () =>
        table(
          ['what', 'found'],
          [
            ['Node', `${report.node} (V8 ${report.v8}), ${report.platform}`],
            ['cores', report.cores],
            ['memory', `${bytes(report.memoryBytes)}, ${bytes(report.freeMemoryBytes)} free`],
            ['kernels', JSON.stringify(report.kernels)],
            ['matrix product 512³', `${report.gigaflops.toFixed(1)} GFLOP/s, one thread`],
            ['cache folder', report.cacheFolder],
          ],
        ),
      );
    });
}
