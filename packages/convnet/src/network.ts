import type { ConvnetConfig } from './config.ts';
import { resNet } from './resnet.ts';
import type { Network } from './steps.ts';
import { vgg } from './vgg.ts';

/** Lays out a configuration that is well-formed. */
export function network(config: ConvnetConfig): Network {
  return config.architecture === 'vgg' ? vgg(config) : resNet(config);
}
