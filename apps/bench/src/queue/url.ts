/** The URL of a queue as it may be shown: without user and password. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return 'the given URL';
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
