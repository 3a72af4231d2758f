import { Button, Group, SimpleGrid, Text, Textarea, TextInput } from '@mantine/core';
import { IconArrowLeft, IconPrinter } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import { api, type Schemas } from '../api/client';
import { put, useAdminWords } from '../i18n/admin';
import { useAreaNames } from '../parts/areas';
import { Rows, Trouble } from '../parts/states';
import { addDays, number, useClock, written } from '../time';
import { heard, minutes, share, useRowName, type Dim } from './evidence';
import './print.css';

type Sum = Schemas['SumView'];
type Head = { above: string; org: string; number: string; place: string; signer: string; name: string; to: string };
const kept = 'loa-report-head';
const blank: Head = { above: 'ỦY BAN NHÂN DÂN', org: '', number: '', place: '', signer: '', name: '', to: '- Như trên;\n- Lưu: VT.' };

function remembered(): Head {
  try {
    return { ...blank, ...(JSON.parse(localStorage.getItem(kept) ?? '{}') as Partial<Head>) };
  } catch {
    return blank;
  }
}

/** The yearly report as administrative documents look (Decree 30/2020/NĐ-CP, appendix I): A4, in Vietnamese whatever the page speaks. */
export default function Print() {
  const w = useAdminWords().print;
  const [search] = useSearchParams();
  const clock = useClock();
  const areaName = useAreaNames();
  const today = clock.today();
  const from = search.get('from') ?? `${today.slice(0, 4)}-01-01`;
  const to = search.get('to') ?? `${today.slice(0, 4)}-12-31`;
  const area = search.get('area') ?? '';
  const [head, setHead] = useState(remembered);
  useEffect(() => localStorage.setItem(kept, JSON.stringify(head)), [head]);
  useEffect(() => {
    document.title = `${w.title} · Loa`;
  }, [w]);
  const span = { from: `${from}T00:00:00`, to: `${addDays(to, 1)}T00:00:00`, area: area || undefined };
  const ask = (by: Dim) => api.useQuery('get', '/evidence', { params: { query: { ...span, by } } });
  const by = { area: ask('area'), series: ask('series'), law_field: ask('law_field'), language: ask('language'), month: ask('month'), reason: ask('reason') };
  const all = Object.values(by);
  const error = all.find((q) => q.error)?.error;
  const total = by.area.data?.total;
  const field = (name: keyof Head, label: string) => <TextInput label={label} value={head[name]} onChange={(e) => setHead({ ...head, [name]: e.currentTarget.value })} />;
  const [y, m, d] = today.split('-');
  return (
    <main className="print-page">
      <div className="print-controls">
        <Group justify="space-between" mb="sm">
          <Button component={Link} href="/evidence" variant="default" leftSection={<IconArrowLeft size={18} />}>{w.back}</Button>
          <Button onClick={() => window.print()} leftSection={<IconPrinter size={18} />}>{w.go}</Button>
        </Group>
        <Text fw={600} size="sm" mb={4}>{w.form}</Text>
        <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="xs">
          {field('above', w.above)}
          {field('org', w.org)}
          {field('number', w.number)}
          {field('place', w.place)}
          {field('signer', w.signer)}
          {field('name', w.name)}
        </SimpleGrid>
        <Textarea mt="xs" label={w.to} autosize minRows={2} value={head.to} onChange={(e) => setHead({ ...head, to: e.currentTarget.value })} />
      </div>
      <Trouble error={error} again={() => all.forEach((q) => void q.refetch())} />
      {!total && !error && <Rows />}
      {total && (
        <article className="print-sheet" lang="vi">
          <header className="print-head">
            <div>
              <p className="upper">{head.above || '…'}</p>
              <p className="upper bold line">{head.org || '…'}</p>
              <p>{w.no} {head.number || '…'}/BC</p>
            </div>
            <div>
              <p className="bold">{w.country}</p>
              <p className="bold line">{w.motto}</p>
              <p className="italic">{put(w.date, { place: head.place || '…', d: d ?? '', m: m ?? '', y: y ?? '' })}</p>
            </div>
          </header>
          <h1>{w.report}</h1>
          <p className="center bold">{w.about}</p>
          <p className="center italic">{put(w.span, { from: written(from), to: written(to) })}</p>
          {area && <p className="center">{put(w.area, { area: areaName(area) })}</p>}
          <h2>{w.one}</h2>
          <p className="body">
            {put(w.sum, { planned: number(total.planned), heard: number(heard(total)), share: share(total), cut: number(total.cut), skipped: number(total.skipped), unknown: number(total.unknown), minutes: minutes(total.heard_ms) })}
          </p>
          <Part title={w.two} by="area" rows={by.area.data?.items} clusters />
          <Part title={w.three} by="series" rows={by.series.data?.items} />
          <Part title={w.four} by="law_field" rows={by.law_field.data?.items} />
          <Part title={w.five} by="language" rows={by.language.data?.items} />
          <Part title={w.six} by="month" rows={by.month.data?.items} />
          <Part title={w.seven} by="reason" rows={by.reason.data?.items.filter((r) => r.cut + r.skipped + r.unknown > 0)} missed />
          <p className="note">{w.source}</p>
          <footer className="print-foot">
            <div>
              <p className="bold italic">{w.recipients}</p>
              {head.to.split('\n').map((line, i) => <p key={i} className="small">{line}</p>)}
            </div>
            <div className="center">
              <p className="bold upper">{head.signer || '…'}</p>
              <p className="italic">{w.sign}</p>
              <p className="signature" aria-hidden />
              <p className="bold">{head.name}</p>
            </div>
          </footer>
        </article>
      )}
    </main>
  );
}

function Part({ title, by, rows, clusters, missed }: { title: string; by: Dim; rows?: Sum[]; clusters?: boolean; missed?: boolean }) {
  const { evidence: w, print: p } = useAdminWords();
  const name = useRowName();
  if (!rows || rows.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">{p.no1}</th>
            <th scope="col">{w.dims[by]}</th>
            {clusters && <th scope="col">{w.clusters}</th>}
            {!missed && <th scope="col">{w.planned}</th>}
            {!missed && <th scope="col">{w.played}</th>}
            <th scope="col">{w.cut}</th>
            <th scope="col">{w.skipped}</th>
            <th scope="col">{w.unknown}</th>
            {!missed && <th scope="col">{w.minutes}</th>}
          </tr>
        </thead>
        <tbody>
          {rows.map((r, i) => (
            <tr key={r.key}>
              <td className="n">{i + 1}</td>
              <td>{by === 'reason' && r.key === '' ? w.unknown : name(by, r.key, r.name)}</td>
              {clusters && <td className="n">{number(r.clusters ?? 0)}</td>}
              {!missed && <td className="n">{number(r.planned)}</td>}
              {!missed && <td className="n">{number(r.played)}</td>}
              <td className="n">{number(r.cut)}</td>
              <td className="n">{number(r.skipped)}</td>
              <td className="n">{number(r.unknown)}</td>
              {!missed && <td className="n">{minutes(r.heard_ms)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
