import { ActionIcon, Alert, Button, Card, Fieldset, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconArrowDown, IconArrowUp, IconPlaylistAdd, IconX } from '@tabler/icons-react';
import { keepPreviousData } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { api, type Report } from '../api/client';
import { fieldsOf, MetaFields, noWords } from '../parts/meta';
import { useNoChoice } from '../parts/areas';
import { say } from '../parts/notify';
import { Page } from '../parts/page';
import { Rows, Trouble } from '../parts/states';
import { length } from '../time';

type Piece = { id: string; title: string; ms: number };

const gaps = [0, 500, 1000, 2000, 3000];

/** A new programme, or the parts of one that there is. */
export default function ProgrammePage({ id }: { id?: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = api.useQuery('get', '/reports/{id}', { params: { path: { id: id ?? '' } } }, { enabled: !!id });
  if (!id) return <Form />;
  if (data) return <Form r={data} />; // what failed since takes away nothing of what is written
  return <Page title={t('library.title')}>{error ? <Trouble error={error} again={() => void refetch()} /> : <Rows />}</Page>;
}

function Form({ r }: { r?: Report }) {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const [title, setTitle] = useState('');
  const [words, setWords] = useState(noWords);
  const parts = r?.parts ?? [];
  const of = (role: string): Piece[] => parts.filter((p) => p.role === role).map((p) => ({ id: p.report, title: p.title, ms: p.duration_ms }));
  const [opening, setOpening] = useState(of('opening')[0]);
  const [items, setItems] = useState(of('item'));
  const [closing, setClosing] = useState(of('closing')[0]);
  const [gap, setGap] = useState(r?.gap_ms ?? 1000);
  const [seen] = useState(r?.version);
  const done = { onSuccess: (made: Report) => (say(t('programme.begun')), go(`/reports/${made.id}`)) };
  const create = api.useMutation('post', '/programmes', done);
  const again = api.useMutation('put', '/programmes/{id}/parts', done);
  const all = [opening, ...items, closing].filter((p) => p !== undefined);
  const total = all.reduce((sum, p) => sum + p.ms, 0) + gap * Math.max(0, all.length - 1);
  const move = (i: number, by: number) => {
    const next = [...items];
    const [one] = next.splice(i, 1);
    if (one) next.splice(i + by, 0, one);
    setItems(next);
  };
  const save = (e: FormEvent) => {
    e.preventDefault();
    const order = { opening: opening?.id, items: items.map((p) => p.id), closing: closing?.id, gap_ms: gap };
    if (r) return again.mutate({ params: { path: { id: r.id }, header: { 'If-Match': `"${seen}"` } }, body: order });
    const { valid_from, valid_until } = fieldsOf(words);
    create.mutate({ body: { title, ...words, valid_from, valid_until, ...order } });
  };
  return (
    <Page title={r ? t('programme.edit', { title: r.title }) : t('programme.new')} lead={t('programme.lead')}>
      <form onSubmit={save}>
        <Card>
          <Stack>
            {r?.stale && <Alert color="red">{t(`programme.stale.${r.stale.code as 'PART_WITHDRAWN'}`, { title: r.stale.title })}</Alert>}
            {r?.state === 'approved' && <Alert color="yellow">{t('trim.approved')}</Alert>}
            {!r && <TextInput label={t('programme.title')} value={title} onChange={(e) => setTitle(e.currentTarget.value)} required withAsterisk={false} maxLength={200} />}
            <Fieldset legend={t('programme.parts')}>
              <Stack gap="sm">
                <Tune label={t('programme.opening')} piece={opening} set={setOpening} />
                <Stack gap={4} component="ol" p={0} m={0} style={{ listStyle: 'none' }}>
                  {items.map((p, i) => (
                    <Group key={`${p.id}-${i}`} gap={4} wrap="nowrap" component="li">
                      <Text size="sm" flex={1} style={{ overflowWrap: 'anywhere' }}>
                        {i + 1}. {p.title} <Text span c="dimmed" size="sm">{length(p.ms)}</Text>
                      </Text>
                      <ActionIcon variant="subtle" color="gray" disabled={i === 0} aria-label={t('common.up', { what: p.title })} onClick={() => move(i, -1)}><IconArrowUp size={16} /></ActionIcon>
                      <ActionIcon variant="subtle" color="gray" disabled={i === items.length - 1} aria-label={t('common.down', { what: p.title })} onClick={() => move(i, 1)}><IconArrowDown size={16} /></ActionIcon>
                      <ActionIcon variant="subtle" color="gray" aria-label={t('common.remove', { what: p.title })} onClick={() => setItems(items.filter((_, n) => n !== i))}><IconX size={16} /></ActionIcon>
                    </Group>
                  ))}
                </Stack>
                <Pick label={t('programme.add')} picked={(p) => setItems([...items, p])} />
                <Tune label={t('programme.closing')} piece={closing} set={setClosing} />
                <Select label={t('programme.gap')} w={220} data={[...new Set([...gaps, gap])].map((g) => ({ value: String(g), label: t('programme.seconds', { n: g / 1000 }) }))} value={String(gap)} onChange={(v) => setGap(Number(v))} allowDeselect={false} />
              </Stack>
            </Fieldset>
            <Text fw={600} role="status">
              {t('programme.total', { length: length(total), n: all.length })}
            </Text>
            {!r && <MetaFields words={words} set={setWords} />}
            <Trouble error={create.error ?? again.error} />
            <Group justify="flex-end">
              <Button variant="default" onClick={() => go(r ? `/reports/${r.id}` : '/')}>
                {t('common.cancel')}
              </Button>
              <Button type="submit" leftSection={<IconPlaylistAdd size={18} />} disabled={items.length === 0} loading={create.isPending || again.isPending}>
                {t(r ? 'programme.again' : 'programme.make')}
              </Button>
            </Group>
          </Stack>
        </Card>
      </form>
    </Page>
  );
}

function Tune({ label, piece, set }: { label: string; piece?: Piece; set: (piece?: Piece) => void }) {
  const { t } = useTranslation();
  if (!piece) return <Pick label={label} picked={set} />;
  return (
    <Group gap={4} wrap="nowrap">
      <Text size="sm" flex={1}>
        {label}: {piece.title} <Text span c="dimmed" size="sm">{length(piece.ms)}</Text>
      </Text>
      <ActionIcon variant="subtle" color="gray" aria-label={t('common.remove', { what: label })} onClick={() => set(undefined)}><IconX size={16} /></ActionIcon>
    </Group>
  );
}

function Pick({ label, picked }: { label: string; picked: (piece: Piece) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text, 200);
  const { data, error } = api.useQuery('get', '/reports', { params: { query: { q: q || undefined, kind: 'report', limit: 50 } } }, { placeholderData: keepPreviousData });
  const usable = (data?.items ?? []).filter((r) => r.state === 'approved' || r.state === 'draft');
  return (
    <Select
      label={label} placeholder={t('programme.choose')} error={useNoChoice(error)} nothingFoundMessage={data && t('library.nothing')} searchable searchValue={text} onSearchChange={setText} value={null} filter={({ options }) => options}
      data={usable.map((r) => ({ value: r.id, label: `${r.title} (${length(r.duration_ms ?? 0)})${r.state === 'draft' ? ` – ${t('state.report.draft')}` : ''}` }))}
      onChange={(id) => {
        const r = usable.find((x) => x.id === id);
        if (r) picked({ id: r.id, title: r.title, ms: r.duration_ms ?? 0 });
        setText('');
      }}
    />
  );
}
