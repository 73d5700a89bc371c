import { describe, expect, it } from 'vitest';
import { decode } from '../test/decode.ts';
import { Message } from './message.ts';

const hex = (message: Message): string => Buffer.from(message.toBytes()).toString('hex');

describe('a protobuf message', () => {
  it("has the bytes of the wire format's documentation", () => {
    expect(hex(new Message().integer(1, 150))).toBe('089601');
    expect(hex(new Message().text(2, 'testing'))).toBe('120774657374696e67');
    expect(hex(new Message().message(3, new Message().integer(1, 150)))).toBe('1a03089601');
    expect(hex(new Message().integer(1, -2))).toBe('08feffffffffffffffff01');
    expect(hex(new Message().float(2, 1))).toBe('150000803f');
  });

  it('takes fields beyond 15, numbers beyond 32 bits, and text beyond ASCII', () => {
    const fields = decode(
      new Message()
        .integer(20, 2 ** 40 + 3)
        .text(14, 'Größe')
        .toBytes(),
    );
    expect(fields.get(20)).toEqual([2n ** 40n + 3n]);
    expect(new TextDecoder().decode(fields.get(14)![0] as Uint8Array)).toBe('Größe');
  });

  it('repeats fields one by one, and counts nested bytes', () => {
    const inner = new Message().bytes(9, new Uint8Array(300)).integer(1, 0).integer(1, -1);
    const outer = new Message().message(1, inner).message(1, inner);
    expect(outer.byteLength).toBe(2 * (3 + inner.byteLength));
    const [first, second] = decode(outer.toBytes()).get(1)!;
    expect(first).toEqual(second);
    expect(decode(first as Uint8Array).get(1)).toEqual([0n, -1n]);
  });
});
