import { Alert, Button, Card, Grid, Group, Modal, NavLink, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconGitMerge, IconMap2, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Area } from '../api/client';
import { useMe } from '../api/session';
import { put, useAdminWords } from '../i18n/admin';
import { AreaSelect, useAreaList } from '../parts/areas';
import { say } from '../parts/notify';
import { Page } from '../parts/page';
import { Empty, Rows, Trouble } from '../parts/states';
import { Dayparts } from './dayparts';
import { Policies } from './policies';

export default function Areas() {
  const w = useAdminWords().areas;
  const { data, error, refetch } = useAreaList();
  const areas = data ?? [];
  const [chosen, setChosen] = useState('');
  const [adding, setAdding] = useState(false);
  const area = areas.find((a) => a.code === chosen);
  const known = new Set(areas.map((a) => a.code));
  const tops = areas.filter((a) => !a.parent || !known.has(a.parent));
  return (
    <Page
      title={w.title}
      lead={w.lead}
      actions={
        <Button leftSection={<IconPlus size={18} />} onClick={() => setAdding(true)}>
          {w.add}
        </Button>
      }
    >
      <Trouble error={error} again={() => void refetch()} />
      {!data && !error && <Rows />}
      {data && (
        <Grid>
          <Grid.Col span={{ base: 12, md: 4 }}>
            <Card padding="xs" component="nav" aria-label={w.tree}>
              {tops.length === 0 ? <Empty icon={<IconMap2 size={44} stroke={1.3} />} title={w.empty} hint={w.emptyhint} /> : tops.map((a) => <Node key={a.code} a={a} all={areas} chosen={chosen} choose={setChosen} />)}
            </Card>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 8 }}>
            {area ? <One key={area.code} area={area} all={areas} gone={setChosen} /> : tops.length > 0 && <Text c="dimmed" p="md">{w.choose}</Text>}
          </Grid.Col>
        </Grid>
      )}
      {adding && <Add parent={chosen} close={() => setAdding(false)} done={setChosen} />}
    </Page>
  );
}

function Node({ a, all, chosen, choose }: { a: Area; all: Area[]; chosen: string; choose: (code: string) => void }) {
  const below = all.filter((b) => b.parent === a.code);
  const [open, setOpen] = useState(true);
  return (
    <NavLink
      component="button"
      label={a.name}
      active={a.code === chosen}
      opened={open}
      onChange={setOpen}
      onClick={() => choose(a.code)}
      childrenOffset={18}
      color="loa"
      style={{ borderRadius: 8 }}
    >
      {below.length > 0 ? below.map((b) => <Node key={b.code} a={b} all={all} chosen={chosen} choose={choose} />) : null}
    </NavLink>
  );
}

/** Whoever is asked for the way up: the area itself first. */
export function wayUp(area: Area, all: Area[]): Area[] {
  const out: Area[] = [];
  for (let a: Area | undefined = area; a; a = a.parent ? all.find((b) => b.code === a?.parent) : undefined) out.push(a);
  return out;
}

/** A change of an area as it was seen. */
export function useEdit(area: Area, done?: () => void) {
  const w = useAdminWords().areas;
  const edit = api.useMutation('patch', '/areas/{code}', {
    onSuccess: () => {
      say(w.saved);
      done?.();
    },
  });
  const change = (body: Parameters<typeof edit.mutate>[0]['body']) => edit.mutate({ params: { path: { code: area.code }, header: { 'If-Match': `"${area.version}"` } }, body });
  return { change, error: edit.error, busy: edit.isPending };
}

function One({ area, all, gone }: { area: Area; all: Area[]; gone: (into: string) => void }) {
  const w = useAdminWords().areas;
  const [merging, setMerging] = useState(false);
  return (
    <Stack>
      <Card>
        <Group justify="space-between" mb="sm">
          <div>
            <Title order={2}>{area.name}</Title>
            <Text size="sm" c="dimmed">{w.code}: {area.code}</Text>
          </div>
          <Button variant="light" color="red" size="sm" leftSection={<IconGitMerge size={18} />} onClick={() => setMerging(true)}>
            {w.merge}
          </Button>
        </Group>
        <Named key={area.version} area={area} />
      </Card>
      <Dayparts area={area} all={all} />
      <Policies area={area} all={all} />
      {merging && <Merge area={area} close={() => setMerging(false)} done={gone} />}
    </Stack>
  );
}

function Named({ area }: { area: Area }) {
  const w = useAdminWords().areas;
  const { change, error, busy } = useEdit(area);
  const [name, setName] = useState(area.name);
  const [parent, setParent] = useState(area.parent ?? '');
  return (
    <>
      <Group align="flex-end">
        <TextInput label={w.name} value={name} onChange={(e) => setName(e.currentTarget.value)} maxLength={200} w={{ base: '100%', xs: 260 }} />
        <div>
          <Text size="sm" fw={500} mb={2}>{w.parent}</Text>
          <AreaSelect value={parent} onChange={setParent} />
        </div>
        <Button loading={busy} disabled={!name.trim() || (name === area.name && parent === (area.parent ?? ''))} onClick={() => change({ name: name === area.name ? undefined : name, parent: parent === (area.parent ?? '') ? undefined : parent })}>
          {w.save}
        </Button>
      </Group>
      <Trouble error={error} />
    </>
  );
}

function Merge({ area, close, done }: { area: Area; close: () => void; done: (into: string) => void }) {
  const w = useAdminWords().areas;
  const { t } = useTranslation();
  const [into, setInto] = useState('');
  const merge = api.useMutation('post', '/areas/{code}/merge', {
    onSuccess: (made) => {
      say(put(w.merged, { n: made.moved.filter((m) => m.n > 0).map((m) => put(w.what[m.what as 'agents'], { n: m.n })).join(', ') }));
      done(made.area.code);
      close();
    },
  });
  return (
    <Modal opened onClose={close} title={w.merge} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Stack>
        <Alert color="orange">{put(w.mergehint, { name: area.name })}</Alert>
        <div>
          <Text size="sm" fw={500} mb={2}>{w.into}</Text>
          <AreaSelect value={into} onChange={setInto} />
        </div>
        <Trouble error={merge.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>{w.cancel}</Button>
          <Button color="red.8" loading={merge.isPending} disabled={!into || into === area.code} onClick={() => merge.mutate({ params: { path: { code: area.code }, header: { 'If-Match': `"${area.version}"` } }, body: { into } })}>
            {`${w.merge}: ${area.name}`}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Add({ parent: below, close, done }: { parent: string; close: () => void; done: (code: string) => void }) {
  const w = useAdminWords().areas;
  const me = useMe();
  const { t } = useTranslation();
  const [code, setCode] = useState('');
  const [name, setName] = useState('');
  const [parent, setParent] = useState(below || me.area);
  const add = api.useMutation('post', '/areas', {
    onSuccess: (made) => {
      say(w.saved);
      done(made.code);
      close();
    },
  });
  return (
    <Modal opened onClose={close} title={w.add} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          add.mutate({ body: { code, name, parent: parent || undefined } });
        }}
      >
        <Stack>
          <TextInput label={w.name} value={name} onChange={(e) => setName(e.currentTarget.value)} required withAsterisk={false} maxLength={200} data-autofocus />
          <TextInput label={w.code} description={w.codehint} value={code} onChange={(e) => setCode(e.currentTarget.value)} required withAsterisk={false} maxLength={64} autoComplete="off" />
          <div>
            <Text size="sm" fw={500} mb={2}>{w.parent}</Text>
            <AreaSelect value={parent} onChange={setParent} />
          </div>
          <Trouble error={add.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>{w.cancel}</Button>
            <Button type="submit" loading={add.isPending} disabled={!code.trim() || !name.trim()}>{w.save}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
