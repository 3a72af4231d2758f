import type { Area } from '../api/client';

export type Wanted = { area: string; name: string };
export type Bad = { line: number; why: 'noarea' | 'twoareas' | 'noname' | 'toolong'; area: string };

/** The fields of RFC 4180, with the separator that the first line has; quotes double within quotes. */
export function fields(text: string): { line: number; cells: string[] }[] {
  const body = text.replace(/^\uFEFF/, '');
  const first = body.slice(0, body.search(/\r?\n|$/));
  const sep = first.includes('\t') ? '\t' : first.split(';').length > first.split(',').length ? ';' : ',';
  const rows: { line: number; cells: string[] }[] = [];
  let cells: string[] = [];
  let cell = '';
  let quoted = false;
  let line = 1;
  let began = 1;
  const end = () => {
    cells.push(cell.trim());
    if (cells.some((c) => c)) rows.push({ line: began, cells });
    cells = [];
    cell = '';
    began = line + 1;
  };
  for (let i = 0; i < body.length; i++) {
    const c = body[i]!;
    if (quoted) {
      if (c === '\n') line++;
      if (c !== '"') cell += c;
      else if (body[i + 1] === '"') cell += body[i++];
      else quoted = false;
    } else if (c === '"' && cell.trim() === '') {
      quoted = true;
      cell = '';
    } else if (c === sep) {
      cells.push(cell.trim());
      cell = '';
    } else if (c === '\n') {
      end();
      line++;
      began = line;
    } else if (c !== '\r') cell += c;
  }
  end();
  return rows;
}

const heads = new Set(['area', 'địa bàn', 'mã địa bàn', 'xã', 'code', 'dia ban']);

/** The text of a file: UTF-8, or what Excel on a Vietnamese Windows writes, which has the marks apart. */
export function decode(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1258').decode(bytes).normalize('NFC');
  }
}

/** What a file asks for: each line's area by its code or its whole name. A first line that is a head is passed over. */
export function read(text: string, areas: Area[]): { wanted: Wanted[]; bad: Bad[] } {
  const wanted: Wanted[] = [];
  const bad: Bad[] = [];
  for (const [i, { line, cells }] of fields(text).entries()) {
    const [area = '', name = ''] = cells;
    if (i === 0 && heads.has(area.toLowerCase())) continue;
    const same = areas.filter((a) => a.name.normalize('NFC').toLowerCase() === area.normalize('NFC').toLowerCase());
    const code = areas.find((a) => a.code === area)?.code ?? (same.length === 1 ? same[0]!.code : undefined);
    if (!code) bad.push({ line, why: same.length > 1 ? 'twoareas' : 'noarea', area });
    else if (!name) bad.push({ line, why: 'noname', area });
    else if ([...name].length > 100) bad.push({ line, why: 'toolong', area });
    else wanted.push({ area: code, name });
  }
  return { wanted, bad };
}
