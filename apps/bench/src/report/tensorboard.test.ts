import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { crc32c, eventFile, eventFileName } from './tensorboard.ts';

// The part of tensorflow's event.proto and summary.proto that is used here.
const { root } = protobuf.parse(
  `
  syntax = "proto3";
  message Summary {
    message Value { string tag = 1; oneof value { float simple_value = 2; } }
    repeated Value value = 1;
  }
  message Event {
    double wall_time = 1;
    int64 step = 2;
    oneof what { string file_version = 3; Summary summary = 5; }
  }`,
  { keepCase: true },
);
const Event = root.lookupType('Event');

/** Takes the file apart by the format's description and checks both checksums of every record. */
function events(file: Uint8Array) {
  const bytes = Buffer.from(file);
  const unmasked = (at: number) => {
    const rotated = (bytes.readUInt32LE(at) - 0xa282ead8) >>> 0;
    return ((rotated >>> 17) | (rotated << 15)) >>> 0;
  };
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(unmasked(at + 8)).toBe(crc32c(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(unmasked(at + 12 + length)).toBe(crc32c(data));
    found.push(Event.toObject(Event.decode(data), { longs: Number }));
    at += 16 + length;
  }
  return found;
}

describe('crc32c', () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  const read = Buffer.from(
    '01c00000000000000000000000000000140000000000040000000014000000182800000000000000' + '0200000000000000',
    'hex',
  );
  test.each([
    ['32 bytes of zeroes', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes of ones', new Uint8Array(32).fill(255), 0x62a8ab43],
    ['32 bytes ascending', ascending, 0x46dd794e],
    ['32 bytes descending', ascending.toReversed(), 0x113fdb5c],
    ['an iSCSI read command', read, 0xd9963a56],
  ])('of %s is what RFC 3720 says', (_, bytes, crc) => {
    expect(crc32c(bytes)).toBe(crc);
  });
});

describe('eventFile', () => {
  const run = { finished: '2026-05-01T10:00:00.000Z', seconds: 40 };
  const end = Date.parse(run.finished) / 1000;

  test('begins with the version and holds every value of every line', () => {
    const lines = [
      { step: 0, loss: 2.5, 'accuracy/clean': 0.125 },
      { step: 300, loss: -1 },
      { step: 5_000_000_000, 'verlust ü': 1e-30 },
      { step: 5_000_000_001 },
    ];
    const [version, ...rest] = events(eventFile(lines, run));
    expect(version).toEqual({ wall_time: end - 40, file_version: 'brain.Event:2' });
    expect(rest).toEqual([
      {
        wall_time: end - 30,
        step: 0,
        summary: {
          value: [
            { tag: 'loss', simple_value: 2.5 },
            { tag: 'accuracy/clean', simple_value: 0.125 },
          ],
        },
      },
      { wall_time: end - 20, step: 300, summary: { value: [{ tag: 'loss', simple_value: -1 }] } },
      {
        wall_time: end - 10,
        step: 5_000_000_000,
        summary: { value: [{ tag: 'verlust ü', simple_value: Math.fround(1e-30) }] },
      },
      { wall_time: end, step: 5_000_000_001, summary: {} },
    ]);
  });

  test('leaves out what JSON had no number for', () => {
    const lines = [JSON.parse('{"step":1,"loss":null,"rate":0.5}') as { step: number }];
    expect(events(eventFile(lines, run))[1]).toMatchObject({
      summary: { value: [{ tag: 'rate', simple_value: 0.5 }] },
    });
  });

  test('is the same for the same run', () => {
    const lines = [{ step: 1, loss: 1 }];
    expect(eventFile(lines, run)).toEqual(eventFile(lines, run));
    expect(eventFileName('0123456789abcdef', run.finished)).toBe(
      'events.out.tfevents.1777629600.0123456789abcdef',
    );
  });
});
