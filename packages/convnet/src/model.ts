import { type ConvnetConfig, checkConfig } from './config.ts';
import type { ConvnetLayers } from './layers.ts';
import { network } from './network.ts';

/**
 * The forward pass of a VGG or ResNet: normalised images [B, channels, imageSize, imageSize] to logits [B, classes].
 *
 * @throws {ConvnetError} `CONVNET_CONFIG_INVALID`.
 */
export function convnet<V>(config: ConvnetConfig, layers: ConvnetLayers<V>, images: V): V {
  return layers.head(convnetFeatures(config, layers, images), network(config).head);
}

/**
 * The same forward pass up to the last map before the head, which is all that batch normalisation sees.
 *
 * @throws {ConvnetError} `CONVNET_CONFIG_INVALID`.
 */
export function convnetFeatures<V>(config: ConvnetConfig, layers: ConvnetLayers<V>, images: V): V {
  checkConfig(config);
  const { imageSize, channels } = config;
  let x = layers.images(images, { imageSize, channels });
  for (const step of network(config).steps) {
    if (step.kind === 'conv') x = layers.conv(x, step.at);
    else if (step.kind === 'maxPool') x = layers.maxPool(x, step.at);
    else {
      const { convs, projection, subsample } = step;
      const shortcut =
        projection !== undefined
          ? layers.conv(x, projection)
          : subsample !== undefined
            ? layers.subsample(x, subsample)
            : x;
      const last = convs.length - 1;
      for (const [i, conv] of convs.entries()) x = layers.conv(x, conv, i === last ? shortcut : undefined);
    }
  }
  return x;
}
