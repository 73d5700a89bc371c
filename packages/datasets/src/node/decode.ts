import { DatasetError } from '../errors.ts';
import type { Pixels } from '../resize.ts';

/** An image file's RGB pixels. `what` names the file in errors. */
export type Decode = (file: Uint8Array, what: string) => Promise<Pixels>;

/**
 * A decoder of JPEG, PNG and WebP that gives what PIL's `Image.open(file).convert('RGB')` gives: grey is expanded, alpha
 * dropped without blending, EXIF orientation and colour profiles left unapplied. CMYK goes through libvips' own conversion.
 *
 * @throws {DatasetError} `DS_NO_SHARP` when sharp is not installed; the decoder throws `DS_BAD_IMAGE`.
 */
export async function imageDecoder(): Promise<Decode> {
  const { default: sharp } = await import('sharp').catch((error: unknown) => {
    throw new DatasetError('DS_NO_SHARP', 'reading JPEG and PNG files needs sharp: npm install sharp.', {
      cause: error,
    });
  });
  return async (file, what) => {
    try {
      const { data, info } = await sharp(file, { failOn: 'error', ignoreIcc: true })
        .removeAlpha()
        .toColourspace('srgb')
        .raw({ depth: 'uchar' })
        .toBuffer({ resolveWithObject: true });
      const { height, width } = info;
      return { height, width, channels: 3, data: info.channels === 1 ? greyToRgb(data) : data };
    } catch (error) {
      throw new DatasetError(
        'DS_BAD_IMAGE',
        `${what} cannot be decoded (${messageOf(error)}); replace or remove it.`,
        {
          cause: error,
        },
      );
    }
  };
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error)).trim();

function greyToRgb(grey: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(grey.length * 3);
  for (let p = 0; p < grey.length; p++) rgb.fill(grey[p]!, 3 * p, 3 * p + 3);
  return rgb;
}
