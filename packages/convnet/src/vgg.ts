import type { VggConfig } from './config.ts';
import type { MaxPoolSpec } from './layers.ts';
import { type Network, type Step, sideAfter } from './steps.ts';

const halving: MaxPoolSpec = { kernel: 2, stride: 2, padding: 0 };

/**
 * torchvision's VGG: `features.N`, where N counts convolutions, normalisations, ReLUs and pools; the head is `classifier.N` with
 * ReLUs and dropouts counted likewise, or `classifier` where it is one linear layer.
 */
export function vgg({ imageSize, channels, classes, stages, batchNorm, head }: VggConfig): Network {
  const steps: Step[] = [];
  let index = 0;
  let inChannels = channels;
  let side = imageSize;
  for (const stage of stages) {
    for (const outChannels of stage) {
      const at = {
        conv: `features.${index}`,
        bias: true,
        norm: batchNorm ? `features.${index + 1}` : undefined,
        ...{ inChannels, outChannels, kernel: 3, stride: 1, padding: 1, relu: true },
      };
      steps.push({ kind: 'conv', at });
      index += batchNorm ? 3 : 2;
      inChannels = outChannels;
    }
    steps.push({ kind: 'maxPool', at: halving });
    index++;
    side = sideAfter(side, halving);
  }
  const widths = [inChannels * head.pool ** 2, ...head.hidden, classes];
  const linears = widths.slice(1).map((outFeatures, i) => ({
    linear: head.hidden.length === 0 ? 'classifier' : `classifier.${3 * i}`,
    inFeatures: widths[i]!,
    outFeatures,
  }));
  return { steps, head: { side, pool: head.pool, linears, dropout: head.dropout } };
}
