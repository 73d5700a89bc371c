import { Marked } from 'marked';
import { describe, expect, test } from 'vitest';
import { plain } from './markdown.ts';

const marked = new Marked({ gfm: true });
const entities: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&amp;': '&',
};
const textOf = (html: string) =>
  html.trim().replaceAll(/&(lt|gt|quot|#39|amp);/g, (entity) => entities[entity]!);

const hostile = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '[click](javascript:alert(1))',
  '![track](x.png)',
  'a | b || c',
  '`code` and ``more``',
  '**bold** __bold__ *i* _i_ ~~gone~~',
  'snake_case_name and C:\\path\\|x',
  '&lt;b&gt; &amp; & R&D &#60;',
  '$x^2$ and $$y$$',
  '# no heading',
  '- no list',
  '+ no list',
  '12. no list',
  '12) no list',
  '===',
  '---',
  '> no quotation',
  'grüße 𝔘 漢字 ‮',
];

describe('plain', () => {
  test.each(hostile)('%s is text in a paragraph', (text) => {
    expect(textOf(marked.parse(plain(text)) as string)).toBe(`<p>${text}</p>`);
  });

  test.each(hostile)('%s is text in a table', (text) => {
    const html = marked.parse(`| a | b |\n| --- | --- |\n| ${plain(text)} | 2 |`) as string;
    const [, first, second, ...more] = html.split('<td>').map((part) => part.split('</td>')[0]!);
    expect(textOf(first!)).toBe(text);
    expect([second, more]).toEqual(['2', []]);
  });

  test('is one line, without control characters', () => {
    expect(plain(' two\r\nlines\u2028and\u0000\u001b[31m ')).toBe('two lines and \\[31m');
  });
});
