import { shownUrl } from '../queue/url.ts';
import { experimentArgument } from '../runner/open.ts';
import type { Plan } from '../runner/plan.ts';
import { defaultStore } from './options.ts';

/** A command that can be pasted into a shell. */
export const commandLine = (args: readonly string[]): string =>
  ['npm run bench --', ...args.map(quoted)].join(' ');

/** What makes this plan again from where the user stands. */
export const planArguments = (plan: Plan): string[] => [
  experimentArgument(plan),
  '--preset',
  plan.preset,
  ...Object.entries(plan.overrides).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
];

const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** The queue, without its password, where there is one. */
export const queueArguments = ({ queue }: { readonly queue?: string }): string[] =>
  queue === undefined ? [] : ['--queue', shownUrl(queue)];

/** Only where the store is not the usual one. */
export const storeArguments = ({ store }: { readonly store: string }): string[] =>
  store === defaultStore ? [] : ['--store', store];
