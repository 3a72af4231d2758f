import { Alert, Badge, Button, Card, Group, Modal, MultiSelect, Select, SimpleGrid, Stack, Text, TextInput, Title, UnstyledButton } from '@mantine/core';
import { IconAlertOctagon, IconBellRinging, IconHandStop, IconSchool } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, hubNow, http, type Schemas } from '../api/client';
import { useList } from '../api/list';
import { useMe } from '../api/session';
import { AreasSelect, useAreaNames } from '../parts/areas';
import { State } from '../parts/badges';
import { complain, say } from '../parts/notify';
import { Page } from '../parts/page';
import { Empty, Rows, Trouble } from '../parts/states';
import { useClock } from '../time';

type Kind = 'live' | 'drill';
type Bulletin = Schemas['Bulletin'];

export default function Urgent() {
  const { t } = useTranslation();
  const me = useMe();
  const [kind, setKind] = useState<Kind>();
  return (
    <Page title={t('urgent.title')} lead={t('urgent.lead')}>
      {me.may.includes('author') ? (
        kind ? <Compose kind={kind} close={() => setKind(undefined)} /> : <Choice choose={setKind} />
      ) : (
        <Alert color="gray">{t('urgent.none')}</Alert>
      )}
      <List />
    </Page>
  );
}

/** Test and live stand apart from the first click (Hawaii 2018): two doors, two colours, two words. */
function Choice({ choose }: { choose: (k: Kind) => void }) {
  const { t } = useTranslation();
  return (
    <Stack gap="xs">
      <Title order={2}>{t('urgent.kind')}</Title>
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        {(['drill', 'live'] as const).map((k) => (
          <UnstyledButton key={k} onClick={() => choose(k)}>
            <Card className={`urgent-${k}`} h="100%">
              <Group gap="sm" wrap="nowrap" align="flex-start">
                {k === 'drill' ? <IconSchool size={30} stroke={1.5} /> : <IconAlertOctagon size={30} stroke={1.5} />}
                <div>
                  <Text fw={600} fz="lg">
                    {t(`urgent.${k}`)}
                  </Text>
                  <Text size="sm">{t(`urgent.${k}hint`)}</Text>
                </div>
              </Group>
            </Card>
          </UnstyledButton>
        ))}
      </SimpleGrid>
    </Stack>
  );
}

function Compose({ kind, close }: { kind: Kind; close: () => void }) {
  const { t } = useTranslation();
  const name = useAreaNames();
  const reports = api.useQuery('get', '/reports', { params: { query: { state: 'approved', limit: 200 } } });
  const [step, setStep] = useState(1);
  const [items, setItems] = useState<string[]>([]);
  const [areas, setAreas] = useState<string[]>([]);
  const [minutes, setMinutes] = useState('60');
  const [repeat, setRepeat] = useState('');
  const create = api.useMutation('post', '/urgent', {
    onSuccess: () => {
      say(t('urgent.submitted'));
      close();
    },
  });
  const lasting = (m: number) => (m < 60 ? t('urgent.for', { n: m }) : t('urgent.hours', { n: m / 60 }));
  const send = () => {
    const [every, count] = repeat.split('x').map(Number);
    create.mutate({
      body: {
        kind, items: items.map((report) => ({ report })), targets: { areas }, until: new Date(hubNow() + Number(minutes) * 60_000).toISOString(),
        ...(every && count ? { repeat: { every: every * 60, count } } : {}),
      },
    });
  };
  return (
    <Card className={`urgent-${kind}`} component="section" aria-label={t(`urgent.${kind}`)}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (step === 1) setStep(2);
          else send();
        }}
      >
        <Stack>
          <Group justify="space-between">
            <Title order={2}>
              {t(`urgent.${kind}`)}: {t(step === 1 ? 'urgent.compose' : 'urgent.review')}
            </Title>
            <Text size="sm" c="dimmed">
              {t('urgent.step', { n: step })}
            </Text>
          </Group>
          <Trouble error={reports.error} again={() => void reports.refetch()} />
          <Trouble error={create.error} />
          {step === 1 ? (
            <>
              <MultiSelect label={t('common.report')} description={t('urgent.approvedreports')} data={(reports.data?.items ?? []).map((r) => ({ value: r.id, label: r.title }))} value={items} onChange={setItems} nothingFoundMessage={reports.data && t('library.nothing')} searchable required withAsterisk={false} hidePickedOptions maxValues={10} />
              <AreasSelect label={t('form.areas')} description={t('form.areashint')} value={areas} onChange={setAreas} required />
              <Group grow>
                <Select label={t('urgent.until')} value={minutes} onChange={(v) => setMinutes(v ?? '60')} allowDeselect={false} data={[15, 30, 60, 180, 720, 1440].map((m) => ({ value: String(m), label: lasting(m) }))} />
                <Select label={t('urgent.repeat')} value={repeat} onChange={(v) => setRepeat(v ?? '')} allowDeselect={false} data={[{ value: '', label: t('urgent.norepeat') }, ...[[5, 3], [10, 3], [15, 4]].map(([n, count]) => ({ value: `${n}x${count}`, label: t('urgent.every', { n, count }) }))]} />
              </Group>
            </>
          ) : (
            <Alert color={kind === 'live' ? 'red' : 'blue'} icon={<IconBellRinging size={20} />}>
              {t('urgent.summary', { kind: t(`urgent.${kind}`), n: items.length, areas: areas.map(name).join(', '), until: lasting(Number(minutes)) })}
            </Alert>
          )}
          <Group justify="space-between">
            <Button variant="default" onClick={() => (step === 1 ? close() : setStep(1))}>
              {t(step === 1 ? 'common.cancel' : 'common.back')}
            </Button>
            <Button type="submit" color={kind === 'live' ? 'red.8' : 'loa'} loading={create.isPending} disabled={items.length === 0 || areas.length === 0}>
              {t(step === 1 ? 'common.next' : 'urgent.submit')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}

function List() {
  const { t } = useTranslation();
  const me = useMe();
  const list = useList('/urgent', {}, (cursor, signal) => http.GET('/urgent', { params: { query: { limit: 50, cursor } }, signal }));
  return (
    <Stack gap="xs" component="section" aria-label={t('urgent.list')}>
      <Title order={2}>{t('urgent.list')}</Title>
      <Trouble error={list.error} again={() => void list.refetch()} />
      {list.isPending && <Rows n={3} />}
      {list.data && list.items.length === 0 && (
        <Card>
          <Empty icon={<IconBellRinging size={44} stroke={1.3} />} title={t('urgent.empty')} hint={me.may.includes('author') ? t('urgent.emptyhint') : undefined} />
        </Card>
      )}
      {list.items.map((b) => (
        <One key={b.id} b={b} />
      ))}
      {list.hasNextPage && (
        <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('common.more')}
        </Button>
      )}
    </Stack>
  );
}

function One({ b }: { b: Bulletin }) {
  const { t } = useTranslation();
  const me = useMe();
  const clock = useClock();
  const name = useAreaNames();
  const [approving, setApproving] = useState(false);
  const cancel = api.useMutation('post', '/urgent/{id}/cancel', { onSuccess: () => say(t('urgent.stopped')), onError: complain });
  const open = b.state === 'draft' || b.state === 'approved';
  return (
    <Card className={open ? `urgent-${b.kind}` : undefined}>
      <Group justify="space-between" gap="sm">
        <div>
          <Group gap="xs">
            <Text fw={600}>{b.title}</Text>
            <Badge color={b.kind === 'live' ? 'red' : 'blue'}>{t(`urgent.${b.kind as Kind}`)}</Badge>
            <State of="urgent" is={b.state} />
          </Group>
          <Text size="sm" c="dimmed">
            {t('approvals.author', { name: b.author.name, at: clock.both(b.created) })} · {t('urgent.untilat', { at: clock.both(b.until) })} · {(b.targets.areas ?? []).map(name).join(', ')}
          </Text>
        </div>
        <Group gap="xs">
          {b.state === 'draft' && me.may.includes('approve') && (
            <Button color={b.kind === 'live' ? 'red.8' : 'loa'} onClick={() => setApproving(true)}>
              {t('urgent.approve')}
            </Button>
          )}
          {open && me.may.includes('withdraw') && (
            <Button variant={b.state === 'approved' ? 'filled' : 'default'} color="red.8" leftSection={<IconHandStop size={18} />} loading={cancel.isPending} onClick={() => cancel.mutate({ params: { path: { id: b.id } } })}>
              {t(b.state === 'approved' ? 'urgent.stop' : 'urgent.discard')}
            </Button>
          )}
        </Group>
      </Group>
      {approving && <Approve b={b} close={() => setApproving(false)} />}
    </Card>
  );
}

/** The second person sees how many loudspeakers will speak, and for a live one types a word: no slip of the hand. */
function Approve({ b, close }: { b: Bulletin; close: () => void }) {
  const { t } = useTranslation();
  const { data, error, isPending } = api.useQuery('get', '/urgent/{id}', { params: { path: { id: b.id } } });
  const [word, setWord] = useState('');
  const approve = api.useMutation('post', '/urgent/{id}/approve', {
    onSuccess: () => {
      say(t('urgent.went'));
      close();
    },
  });
  const live = b.kind === 'live';
  const sure = !live || word.trim().normalize('NFC').toUpperCase() === t('urgent.word');
  return (
    <Modal opened onClose={close} title={t('urgent.approvetitle')} centered closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          approve.mutate({ params: { path: { id: b.id } } });
        }}
      >
        <Stack>
          <Trouble error={error ?? approve.error} />
          <Group gap="xs">
            <Text fw={600}>{b.title}</Text>
            <Badge color={live ? 'red' : 'blue'}>{t(`urgent.${b.kind as Kind}`)}</Badge>
          </Group>
          {isPending && !error ? <Rows n={1} /> : data && <Text>{t('urgent.reach', { n: data.reach.agents, online: data.reach.online })}</Text>}
          {live && <TextInput label={t('urgent.confirm', { word: t('urgent.word') })} value={word} onChange={(e) => setWord(e.currentTarget.value)} autoComplete="off" data-autofocus />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('common.cancel')}
            </Button>
            <Button type="submit" color={live ? 'red.8' : 'loa'} disabled={!sure || !data} loading={approve.isPending}>
              {t('urgent.go')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
