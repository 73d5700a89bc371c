// Prints the README's numbers: `node packages/convnet/test/measure.mjs` after a build, with the real data that CONTRIBUTING.md speaks of.
// Our kernels and tfjs's own run in processes of their own, in turn; `--accuracy` or `--times` for one of the two.
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const rounds = 7;
const tasks = {
  'ResNet-20 inference, batch 128': ['ours', 'wasm'],
  'ResNet-20 training step, batch 128': ['ours'],
  'ResNet-20 training step, batch 2': ['ours', 'cpu'],
  'VGG-11 without BN, CIFAR head: inference, batch 128': ['ours', 'wasm'],
};

if (process.argv[2] === '--child') await serve(process.argv[3]);
else {
  if (process.argv[2] !== '--times') await accuracies();
  if (process.argv[2] !== '--accuracy') await times();
}

/** Top-1 of the pretrained ResNets on the whole CIFAR-10 test set. */
async function accuracies() {
  const data =
    process.env.PROJ_DATA_DIR ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url));
  if (!existsSync(join(data, 'resnet_cifar10'))) return console.log(`no resnet_cifar10 in ${data}`);
  const { batches } = await import('@proj/datasets');
  const { openPacks } = await import('@proj/datasets/node');
  const { readSafetensors } = await import('@proj/tensor-io/node');
  const { toTensors } = await import('@proj/tensor-io/tfjs');
  const { evaluate } = await import('@proj/trainer');
  const { tf, convnet: proj } = await loaded('ours');
  const test = await openPacks(data, 'cifar10_test_batch');
  for (const name of ['resnet20', 'resnet56']) {
    const { state } = await readSafetensors(join(data, 'resnet_cifar10', `${name}.safetensors`));
    const config = proj.configFromState(state);
    const { parameters, buffers } = proj.separateBuffers(toTensors(state));
    async function* prepared() {
      for await (const { images, labels } of batches(test, { batchSize: 100 })) {
        const shape = [labels.length, 3, 32, 32];
        yield {
          images: tf.tensor(proj.preprocess(images, labels.length, config), shape),
          targets: tf.tensor(labels, [labels.length], 'int32'),
        };
      }
    }
    const forward = (images) => proj.convnet(config, proj.floatLayers(parameters, buffers), images);
    const { top1, count, imagesPerSecond } = await evaluate({ forward, batches: prepared() });
    console.log(
      `${name}: ${(100 * top1).toFixed(2)} % of ${count} images, ${imagesPerSecond.toFixed(0)} images/s`,
    );
  }
}

/** Medians of rounds in which every contender runs once, and of their ratios. */
async function times() {
  const children = Object.fromEntries(
    ['ours', 'wasm', 'cpu'].map((kind) => [kind, fork(fileURLToPath(import.meta.url), ['--child', kind])]),
  );
  const ask = (kind, task) =>
    new Promise((resolve) => {
      children[kind].once('message', resolve);
      children[kind].send(task);
    });
  for (const [task, kinds] of Object.entries(tasks)) {
    const seen = kinds.map(() => []);
    for (let round = 0; round <= rounds; round++) {
      for (const [i, kind] of kinds.entries()) {
        const seconds = await ask(kind, task);
        if (round > 0) seen[i].push(seconds); // the first one warms up
      }
    }
    const batch = Number(/batch (\d+)/.exec(task)[1]);
    const told = kinds.map((kind, i) => `${kind} ${(batch / median(seen[i])).toPrecision(3)} images/s`);
    const ratios = seen.slice(1).map((other) => median(other.map((seconds, i) => seconds / seen[0][i])));
    console.log(
      `${task}: ${told.join(', ')}${ratios.map((ratio) => `, ratio ${ratio.toPrecision(3)}`).join('')}`,
    );
  }
  for (const child of Object.values(children)) child.disconnect();
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Answers the name of a task with the seconds that it took. */
async function serve(kind) {
  const { tf, convnet: proj } = await loaded(kind);
  const { crossEntropy } = await import('@proj/ops');
  const { sgd, tapeGradients } = await import('@proj/trainer');
  const optimizer = sgd({ learningRate: 0.01, momentum: 0.9 });
  const models = new Map();
  process.on('message', (task) => {
    const batch = Number(/batch (\d+)/.exec(task)[1]);
    const config = proj.convnetConfigs[task.startsWith('VGG') ? 'vgg11_cifar' : 'resnet20'];
    const model = models.get(config) ?? proj.initConvnet(config, 1);
    model.state ??= optimizer.init(model.parameters);
    models.set(config, model);
    const images = tf.randomNormal([batch, 3, 32, 32], 0, 1, 'float32', 1);
    const targets = tf.tensor(
      Array.from({ length: batch }, (_, i) => i % 10),
      [batch],
      'int32',
    );
    const started = performance.now();
    if (task.includes('inference')) {
      const layers = proj.floatLayers(model.parameters, model.buffers);
      tf.tidy(() => void proj.convnet(config, layers, images).dataSync());
    } else {
      const { loss, gradients, buffers } = tapeGradients((parameters, buffers) => {
        const forward = proj.trainingForward(config, parameters, buffers, images);
        return { loss: crossEntropy(forward.logits, targets), buffers: forward.buffers };
      })(model.parameters, model.buffers, { images, targets });
      const next = optimizer.step(model.parameters, gradients, model.state);
      loss.dataSync();
      tf.dispose([loss, ...model.buffers.values()]);
      Object.assign(model, { ...next, buffers });
    }
    const seconds = (performance.now() - started) / 1000;
    tf.dispose([images, targets]);
    process.send(seconds);
  });
}

/** tfjs with our kernels on its wasm backend (`ours`), or as it comes. */
async function loaded(kind) {
  const tf = await import('@tensorflow/tfjs-core');
  await import('@proj/ops/gradients');
  await import(kind === 'cpu' ? '@tensorflow/tfjs-backend-cpu' : '@tensorflow/tfjs-backend-wasm');
  if (kind === 'ours') {
    const { install } = await import('@proj/wasm-kernels/install');
    install({ flavour: 'reproducible' });
  }
  await tf.setBackend(kind === 'cpu' ? 'cpu' : 'wasm');
  return { tf, convnet: await import('@proj/convnet') };
}
