/** Attentions of the models that OFQ quantizes; Swin-T's of every stage, whose windows have 49 tokens. */
export const attentionCases = [
  {
    name: 'DeiT-T',
    architecture: 'deit_tiny_distilled_patch16_224',
    attn: 'blocks.0.attn',
    heads: 3,
    batch: 8,
    of: 'images',
  },
  {
    name: 'DeiT-S',
    architecture: 'deit_small_distilled_patch16_224',
    attn: 'blocks.0.attn',
    heads: 6,
    batch: 4,
    of: 'images',
  },
  ...[64, 32, 16, 4].map((batch, stage) => ({
    name: `Swin-T, stage ${stage + 1}`,
    architecture: 'swin_t',
    attn: `features.${2 * stage + 1}.0.attn`,
    heads: 3 * 2 ** stage,
    batch,
    of: 'windows',
  })),
];
