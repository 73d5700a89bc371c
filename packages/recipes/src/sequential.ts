import type { Batch } from '@proj/datasets';

/** Random access to iterators that are quick only in turn: the reader goes on from where it is, and starts anew elsewhere. */
export function sequential(
  open: (epoch: number, firstStep: number) => AsyncGenerator<Batch, void, undefined>,
): (epoch: number, step: number) => Promise<Batch> {
  let reader: AsyncGenerator<Batch, void, undefined> | undefined;
  let expected = '';
  return async (epoch, step) => {
    if (reader === undefined || expected !== `${epoch}/${step}`) {
      await reader?.return();
      reader = open(epoch, step);
    }
    const { value } = await reader.next();
    expected = `${epoch}/${step + 1}`;
    return value as Batch;
  };
}
