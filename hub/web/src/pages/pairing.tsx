import { ActionIcon, Alert, Button, Card, Code, FileButton, Group, Select, SimpleGrid, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconCheck, IconFileTypeCsv, IconLink, IconLinkOff, IconX } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { encode } from 'uqr';
import { api } from '../api/client';
import { useMe } from '../api/session';
import { decode, read, type Bad, type Wanted } from '../fleet/csv';
import { words } from '../i18n/fleet';
import { useAreaList, useAreaNames, useAreas, useNoChoice } from '../parts/areas';
import { complain, say } from '../parts/notify';
import { Page } from '../parts/page';
import { Empty, Rows, Trouble } from '../parts/states';
import { number, useClock } from '../time';

/** A cluster comes into the fleet: a code at its PC, six words that two people compare. */
export default function Pairing() {
  const { t } = useTranslation(words);
  const me = useMe();
  const [id, setId] = useState('');
  const [name, setName] = useState('');
  const [area, setArea] = useState('');
  const open = api.useMutation('post', '/pairings', { onError: complain, onSuccess: (p) => setId(p.id) });
  const begin = (w: Wanted) => {
    setArea(w.area);
    setName(w.name);
    open.mutate({ body: w });
    window.scrollTo({ top: 0 });
  };
  const areas = useAreas();
  if (me.role !== 'admin') return <Page title={t('pairing.title')}><Empty icon={<IconLinkOff size={44} stroke={1.3} />} title={t('pairing.may')} /></Page>;
  return (
    <Page title={t('pairing.title')} lead={t('pairing.lead')}>
      <SimpleGrid cols={{ base: 1, md: id ? 2 : 1 }}>
        <Card component="form" aria-label={t('pairing.new')} onSubmit={(e: React.FormEvent) => {
          e.preventDefault();
          begin({ area, name });
        }}>
          <Title order={2} mb="xs">
            {t('pairing.new')}
          </Title>
          <Stack gap="sm" maw={480}>
            <Select label={t('pairing.area')} error={useNoChoice(useAreaList().error)} required withAsterisk={false} searchable data={areas.map((a) => ({ value: a.code, label: a.name })).sort((a, b) => a.label.localeCompare(b.label, 'vi'))} value={area || null} onChange={(v) => setArea(v ?? '')} />
            <TextInput label={t('pairing.name')} required withAsterisk={false} maxLength={100} value={name} onChange={(e) => setName(e.currentTarget.value)} autoComplete="off" />
            <Group>
              <Button type="submit" loading={open.isPending} disabled={!area || !name.trim()} leftSection={<IconLink size={18} />}>
                {t('pairing.open')}
              </Button>
            </Group>
          </Stack>
        </Card>
        {id && <Attempt key={id} id={id} again={() => begin({ area, name })} />}
      </SimpleGrid>
      <Expected pair={begin} />
    </Page>
  );
}

function Attempt({ id, again }: { id: string; again: () => void }) {
  const { t } = useTranslation(words);
  const clock = useClock();
  const [differ, setDiffer] = useState(false);
  const { data: p, error, refetch } = api.useQuery('get', '/pairings/{id}', { params: { path: { id } } }, { refetchInterval: 3000 });
  const confirm = api.useMutation('post', '/pairings/{id}/confirm', { onError: complain, onSettled: () => void refetch() });
  if (!p) return error ? <Trouble error={error} again={() => void refetch()} /> : <Card><Rows n={3} /></Card>;
  return (
    <Card component="section" aria-label={`${p.name}: ${t('pairing.code')}`}>
      <Title order={2} mb="xs">
        {p.name}
      </Title>
      {p.state === 'waiting' && p.code && (
        <Group align="flex-start" gap="lg">
          <QR text={`${location.origin} ${p.code}`} label={t('pairing.qr')} />
          <Stack gap="xs" flex="1 1 240px">
            <Text fz={28} fw={700} ff="monospace" data-code>
              {p.code}
            </Text>
            <Text size="sm">{t('pairing.codehint', { at: clock.time(p.expires_at) })}</Text>
            <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{`loa-agent pair --hub ${location.origin} --code ${p.code}`}</Code>
            <Text size="sm" c="dimmed" role="status">
              {t('pairing.waiting')}
            </Text>
          </Stack>
        </Group>
      )}
      {p.state === 'answered' && (
        <Stack gap="sm">
          <Text>{t('pairing.wordshint')}</Text>
          <Group component="ol" gap="xs" m={0} p={0} style={{ listStyle: 'none' }} aria-label={t('pairing.words')}>
            {p.words.split(' ').map((w, i) => (
              <Card component="li" key={i} padding="xs" fz="lg" fw={600}>
                {i + 1}. {w}
              </Card>
            ))}
          </Group>
          {differ ? (
            <Alert color="red" role="alert" title={t('pairing.differhint')}>
              <Button size="xs" variant="default" onClick={again}>
                {t('pairing.again')}
              </Button>
            </Alert>
          ) : (
            <Group>
              <Button loading={confirm.isPending} leftSection={<IconCheck size={18} />} onClick={() => confirm.mutate({ params: { path: { id } }, body: { words: p.words } })}>
                {t('pairing.same')}
              </Button>
              <Button variant="default" leftSection={<IconX size={18} />} onClick={() => setDiffer(true)}>
                {t('pairing.differ')}
              </Button>
            </Group>
          )}
        </Stack>
      )}
      {p.state === 'confirmed' && (
        <Alert color="green" icon={<IconCheck size={20} />} title={t('pairing.confirmed')}>
          <Link href={`/fleet/${p.agent}`}>{t('pairing.look')}</Link>
        </Alert>
      )}
      {p.state === 'dead' && (
        <Alert color="yellow" title={t('pairing.dead')}>
          <Button size="xs" variant="default" onClick={again}>
            {t('pairing.again')}
          </Button>
        </Alert>
      )}
    </Card>
  );
}

/** Dark on white whatever the page's colours: cameras want it so. */
function QR({ text, label }: { text: string; label: string }) {
  const { data, size } = useMemo(() => encode(text, { border: 3 }), [text]);
  const path = data.flatMap((row, y) => row.map((on, x) => (on ? `M${x} ${y}h1v1h-1z` : ''))).join('');
  return (
    <svg role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} width={168} height={168} shapeRendering="crispEdges" style={{ background: '#fff', borderRadius: 8 }}>
      <path d={path} fill="#000" />
    </svg>
  );
}

function Expected({ pair }: { pair: (w: Wanted) => void }) {
  const { t } = useTranslation(words);
  const areaName = useAreaNames();
  const { data, error, refetch } = api.useQuery('get', '/pairings/expected', {});
  const forget = api.useMutation('delete', '/pairings/expected/{id}', { onError: complain, onSuccess: () => void refetch() });
  return (
    <>
      <Group justify="space-between">
        <Title order={2}>
          {t('pairing.expected')} {data && data.items.length > 0 && `(${number(data.items.length)})`}
        </Title>
      </Group>
      <FromCSV done={() => void refetch()} />
      <Trouble error={error} again={() => void refetch()} />
      {!data && !error && <Rows n={2} />}
      {data && data.items.length === 0 && <Text c="dimmed">{t('pairing.noexpected')}</Text>}
      <Stack gap={4} role="list" aria-label={t('pairing.expected')}>
        {data?.items.slice(0, 500).map((e) => (
          <Card key={e.id} padding="xs" role="listitem">
            <Group justify="space-between" wrap="nowrap">
              <Text>
                <b>{e.name}</b>, {areaName(e.area)}
              </Text>
              <Group gap="xs" wrap="nowrap">
                <Button size="xs" variant="default" leftSection={<IconLink size={16} />} onClick={() => pair({ area: e.area, name: e.name })}>
                  {t('pairing.pair')}
                </Button>
                <ActionIcon variant="subtle" color="gray" aria-label={t('pairing.forget', { name: e.name })} onClick={() => forget.mutate({ params: { path: { id: e.id } } })}>
                  <IconX size={16} />
                </ActionIcon>
              </Group>
            </Group>
          </Card>
        ))}
      </Stack>
    </>
  );
}

function FromCSV({ done }: { done: () => void }) {
  const { t } = useTranslation(words);
  const areas = useAreas();
  const [found, setFound] = useState<{ wanted: Wanted[]; bad: Bad[] }>();
  const add = api.useMutation('post', '/pairings/expected', {
    onError: complain,
    onSuccess: ({ added }) => {
      say(t('pairing.added', { n: added }));
      setFound(undefined);
      done();
    },
  });
  return (
    <Card component="section" aria-label={t('pairing.csv')}>
      <Group gap="sm">
        <FileButton accept=".csv,text/csv,text/plain" onChange={(f) => void f?.arrayBuffer().then((bytes) => setFound(read(decode(bytes), areas)))}>
          {(props) => (
            <Button variant="default" leftSection={<IconFileTypeCsv size={18} />} {...props}>
              {t('pairing.choose')}
            </Button>
          )}
        </FileButton>
        <Text size="sm" c="dimmed">
          {t('pairing.csvhint')}
        </Text>
      </Group>
      {found && (
        <Stack gap="xs" mt="sm">
          <Text>{t('pairing.rows', { n: number(found.wanted.length) })}</Text>
          {found.bad.slice(0, 20).map((b) => (
            <Text key={b.line} size="sm" c="red">
              {t('pairing.bad', { line: b.line, why: t(`pairing.${b.why}`, { area: b.area }) })}
            </Text>
          ))}
          {found.wanted.length > 1000 && <Text c="red">{t('pairing.toomany')}</Text>}
          <Group>
            <Button loading={add.isPending} disabled={found.wanted.length === 0 || found.wanted.length > 1000} onClick={() => add.mutate({ body: { items: found.wanted } })}>
              {t('pairing.add', { n: number(found.wanted.length) })}
            </Button>
          </Group>
        </Stack>
      )}
    </Card>
  );
}
