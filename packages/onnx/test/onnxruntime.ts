import * as ort from 'onnxruntime-web';

ort.env.wasm.numThreads = 1;

/** What ONNX Runtime makes of a model with one input and one output, for one input after another. */
export async function runOnnx(
  model: Uint8Array,
  inputs: readonly { readonly shape: readonly number[]; readonly values: Float32Array }[],
): Promise<{ shape: readonly number[]; values: Float32Array }[]> {
  const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] });
  try {
    const results = [];
    for (const { shape, values } of inputs) {
      const tensor = new ort.Tensor('float32', values, shape);
      const { [session.outputNames[0]!]: result } = await session.run({ [session.inputNames[0]!]: tensor });
      results.push({ shape: result!.dims, values: result!.data as Float32Array });
    }
    return results;
  } finally {
    await session.release();
  }
}
