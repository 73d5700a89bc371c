// Trains each model twice, each time in a Node process of its own: with tfjs-wasm alone, and with one import added.
// node compare.mjs [digits = 500] [epochs = 2]
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const [count = '500', epochs = '2'] = process.argv.slice(2);

/** What a program printed, or why it failed. */
async function run(program, model) {
  const file = fileURLToPath(new URL(program, import.meta.url));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [file, model, count, epochs]);
    return JSON.parse(stdout.trim().split('\n').at(-1));
  } catch (error) {
    return { failure: /^Error: (.*)$/m.exec(error.stderr)?.[1] ?? error.message };
  }
}

const show = ({ seconds, losses, failure }) =>
  failure ?? `${seconds.toFixed(1)} s, loss ${losses.map((loss) => loss.toFixed(4)).join(' -> ')}`;

console.log(`${count} handwritten digits, ${epochs} epochs in batches of 100, Node ${process.versions.node}`);
for (const model of ['attention', 'convolutions']) {
  const before = await run('program.mjs', model);
  const after = await run('program-with-kernels.mjs', model);
  console.log(`\n${model}`);
  console.log(`  tfjs-wasm alone                              ${show(before)}`);
  console.log(`  with import '@proj/wasm-kernels/install'     ${show(after)}`);
  if (after.failure !== undefined) process.exitCode = 1;
  if (before.failure !== undefined || after.failure !== undefined) continue;
  const apart = Math.max(...after.losses.map((loss, i) => Math.abs(loss - before.losses[i])));
  console.log(
    `  ${(before.seconds / after.seconds).toFixed(1)} times as fast; losses ${apart === 0 ? 'are equal' : `differ by at most ${apart.toExponential(0)}`}`,
  );
  if (apart > 1e-3) {
    console.error('The losses should agree to 1e-3.');
    process.exitCode = 1;
  }
}
