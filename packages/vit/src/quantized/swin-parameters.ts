import { qkrParameters } from '@proj/qkr';
import type { ParameterSpec } from '../named-shapes.ts';
import { checkSwinConfig, type SwinConfig, swinStages } from '../swin-config.ts';
import type { QuantizedDesign } from './design.ts';
