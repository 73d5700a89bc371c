/** The command line with these arguments, to be pasted into a shell; `PROJ_COMMAND` is what starts proj where that is not `proj`. */
export function commandLine(args: readonly string[]): string {
  return [process.env['PROJ_COMMAND'] ?? 'proj', ...args.map(quoted)].join(' ');
}

const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
