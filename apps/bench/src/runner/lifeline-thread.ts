// Listens to the supervisor of a job's process: see lifeline.ts.
import { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const supervisor = new Socket({ fd: 0, readable: true, writable: false });
supervisor.on('data', () => {
  Atomics.store(workerData as Int32Array, 0, 1);
  parentPort!.postMessage('stop');
});
supervisor.on('error', () => {});
supervisor.on('close', () => process.kill(process.pid, 'SIGKILL'));
