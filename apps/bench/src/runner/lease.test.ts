import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { type Lease, leaseHolder, takeLease } from './lease.ts';

const home = mkdtempSync(join(tmpdir(), 'proj-lease-'));
const children = new Set<ChildProcess>();
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
});

const times = { heartbeatMs: 50, believedMs: 1000 };
const folder = (name: string) => join(home, name);

async function taken(name: string): Promise<Lease> {
  const lease = await takeLease(folder(name), times);
  if ('pid' in lease) throw new Error(`held by ${lease.pid}`);
  return lease;
}

/** What a holder on a machine that was unplugged leaves. */
async function unplugged(name: string): Promise<Lease> {
  const lease = await taken(name);
  const [file] = readdirSync(folder(name));
  const path = join(folder(name), file!);
  writeFileSync(path, JSON.stringify({ host: 'elsewhere', pid: 1, processes: '' }));
  return lease;
}

const lease = fileURLToPath(new URL('../../dist/runner/lease.js', import.meta.url));
/** Takes the lease when it is told to, says whether it has it, and holds it. */
const taker = `
  import { takeLease } from ${JSON.stringify(lease)};
  process.stdin.once('data', async () => {
    const lease = await takeLease(${JSON.stringify(home)} + '/' + process.argv[1]);
    console.log('pid' in lease ? 'held' : 'taken');
  });
  console.log('ready');
`;

function startTaker(name: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', taker, name], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.add(child);
  const lines = child.stdout.setEncoding('utf8')[Symbol.asyncIterator]();
  return { child, says: async () => ((await lines.next()).value as string).trim() };
}

describe('a lease', () => {
  it('is held by one, named to others, and free after', async () => {
    const first = await taken('one');
    expect(await takeLease(folder('one'), times)).toEqual({ host: hostname(), pid: process.pid });
    expect(await leaseHolder(folder('one'), times)).toEqual({ host: hostname(), pid: process.pid });
    await first.release();
    expect(await leaseHolder(folder('one'), times)).toBeUndefined();
    const second = await taken('one');
    await second.release();
    expect(first.lost.aborted || second.lost.aborted).toBe(false);
  });

  it('stays held for as long as its holder shows that it lives', async () => {
    const held = await taken('beating');
    await sleep(2 * times.believedMs);
    expect(await leaseHolder(folder('beating'), times)).toBeDefined();
    await held.release();
  });

  it('of a holder that was silent goes to another, and the first one hears of it', async () => {
    const first = await unplugged('silent');
    // Whoever looks finds the last sign of life too old.
    const second = await takeLease(folder('silent'), { ...times, believedMs: 0 });
    expect('pid' in second).toBe(false);
    expect(first.lost.aborted).toBe(true);
    await first.release();
    expect(await leaseHolder(folder('silent'), { ...times, believedMs: 1e6 })).toEqual({
      host: hostname(),
      pid: process.pid,
    });
  });

  it('that a power cut has damaged is free as soon as it is silent', async () => {
    await taken('damaged');
    const [file] = readdirSync(folder('damaged'));
    writeFileSync(join(folder('damaged'), file!), '\0\0\0\0');
    expect(await leaseHolder(folder('damaged'), times)).toEqual({ host: 'unknown', pid: 0 });
    expect(await leaseHolder(folder('damaged'), { ...times, believedMs: 0 })).toBeUndefined();
  });

  it('of a process that was killed goes to one of many that want it', { timeout: 120_000 }, async () => {
    const dead = startTaker('race');
    expect(await dead.says()).toBe('ready');
    dead.child.stdin.write('go');
    expect(await dead.says()).toBe('taken');
    const ended = new Promise((resolve) => dead.child.once('exit', resolve));
    const takers = Array.from({ length: 8 }, () => startTaker('race'));
    for (const taker of takers) expect(await taker.says()).toBe('ready');
    dead.child.kill('SIGKILL');
    await ended;
    for (const { child } of takers) child.stdin.write('go');
    const answers = await Promise.all(takers.map((taker) => taker.says()));
    expect(answers.filter((answer) => answer === 'taken')).toHaveLength(1);
    const [file, ...others] = readdirSync(folder('race'));
    expect(others).toEqual([]);
    const winner = takers[answers.indexOf('taken')]!.child.pid;
    expect(JSON.parse(readFileSync(join(folder('race'), file!), 'utf8'))).toMatchObject({ pid: winner });
  });

  it('that was never taken is free', async () => {
    expect(await leaseHolder(folder('nowhere'))).toBeUndefined();
  });
});
