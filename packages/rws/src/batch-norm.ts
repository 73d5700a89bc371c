import type { StateDict } from '@proj/tensor-io';

/** The four tensors of a batch normalisation; PyTorch calls them weight, bias, running_mean and running_var. */
export type BatchNormRole = 'scale' | 'shift' | 'mean' | 'variance';

/**
 * What a signature does about batch normalisation.
 *
 * - `keep`: nothing; the model keeps its own tensors.
 * - `delta`: those of the first k units are tensors like any other, kept in float32. A patch leaves variances at least 0.
 * - `replace`: the robust model's tensors, in the whole network, take the place of the model's while the signature is on.
 * - `recalibrate`: scale and shift as with `delta`; means and variances are not in the signature, its user estimates them anew on
 *   corrupted images after patching.
 * - `replace+recalibrate`: as `replace`, and then estimated anew: what the paper's script does.
 */
export type BatchNormPolicy = 'keep' | 'delta' | 'replace' | 'recalibrate' | 'replace+recalibrate';

/** Names and roles of a network's batch-norm tensors. */
export type BatchNormRoles = ReadonlyMap<string, BatchNormRole>;

const torchNames: Readonly<Record<BatchNormRole, string>> = {
  scale: 'weight',
  shift: 'bias',
  mean: 'running_mean',
  variance: 'running_var',
};

/** Finds them by PyTorch's names: all of `X.weight` and so on, where the state has both `X.running_mean` and `X.running_var`. */
export function batchNormRoles(state: StateDict): BatchNormRoles {
  const roles = new Map<string, BatchNormRole>();
  for (const name of state.keys()) {
    const layer = /^(.+\.)?running_mean$/.exec(name);
    if (layer === null) continue;
    const prefix = layer[1] ?? '';
    if (!state.has(`${prefix}running_var`)) continue;
    for (const [role, torchName] of Object.entries(torchNames)) {
      if (state.has(prefix + torchName)) roles.set(prefix + torchName, role as BatchNormRole);
    }
  }
  return roles;
}

/** Whether a tensor is added, replaced or left out; `role` is undefined for what is no batch norm's. */
export function treatment(
  policy: BatchNormPolicy,
  role: BatchNormRole | undefined,
): 'add' | 'replace' | 'leave' {
  if (role === undefined) return 'add';
  switch (policy) {
    case 'keep':
      return 'leave';
    case 'delta':
      return 'add';
    case 'recalibrate':
      return role === 'scale' || role === 'shift' ? 'add' : 'leave';
    default:
      return 'replace';
  }
}

/** Whether the user of a signature has to estimate means and variances anew after patching. */
export function asksForRecalibration(policy: BatchNormPolicy): boolean {
  return policy === 'recalibrate' || policy === 'replace+recalibrate';
}
