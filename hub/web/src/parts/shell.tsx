import { ActionIcon, AppShell, Badge, Box, Burger, Group, NavLink, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconBell, IconBroadcast, IconBuildingBroadcastTower, IconCalendarWeek, IconChartBar, IconChecklist, IconHelpCircle, IconHistory, IconListSearch, IconLogout, IconMap2, IconMusic, IconServer2, IconSettings, IconSpeakerphone, IconUsers } from '@tabler/icons-react';
import { useEffect, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation } from 'wouter';
import { api } from '../api/client';
import { useEvents } from '../api/events';
import { session, useMe } from '../api/session';
import logo from '../loa.svg';
import { Look } from './look';
import { complain } from './notify';

const library = { to: '/', word: 'library', icon: IconMusic } as const;
const commune = { to: '/commune', word: 'commune', icon: IconBuildingBroadcastTower } as const;
const rest = [
  { to: '/calendar', word: 'calendar', icon: IconCalendarWeek },
  { to: '/approvals', word: 'approvals', icon: IconChecklist },
  { to: '/readiness', word: 'readiness', icon: IconBroadcast },
  { to: '/plays', word: 'plays', icon: IconHistory },
  { to: '/evidence', word: 'evidence', icon: IconChartBar },
  { to: '/why', word: 'why', icon: IconHelpCircle },
  { to: '/urgent', word: 'urgent', icon: IconSpeakerphone },
  { to: '/fleet', word: 'fleet', icon: IconServer2 },
  { to: '/alarms', word: 'alarms', icon: IconBell },
] as const;

/** What only some may see. */
const rooms = [
  { to: '/people', word: 'people', icon: IconUsers, may: 'people' },
  { to: '/areas', word: 'areas', icon: IconMap2, may: 'manage' },
  { to: '/audit', word: 'audit', icon: IconListSearch, may: 'audit' },
  { to: '/system', word: 'system', icon: IconSettings, may: 'manage' },
] as const;

/** An operator's first page is their commune's; the library is the others'. */
function placesOf(role: string) {
  if (role === 'operator') return [commune, { ...library, to: '/library' }, ...rest];
  return role === 'viewer' ? [library, ...rest] : [library, ...rest, commune];
}

/** How many things wait for somebody's approval; more than a page of each is "50+". */
function useWaiting(): string {
  const query = { params: { query: { state: 'draft' as const, limit: 50 } } };
  const waiting = { params: { query: { ...query.params.query, returned: 'no' as const } } };
  const reports = api.useQuery('get', '/reports', waiting);
  const broadcasts = api.useQuery('get', '/broadcasts', waiting);
  const urgent = api.useQuery('get', '/urgent', query);
  const own = api.useQuery('get', '/own-items');
  const all = [reports, broadcasts, urgent, own].map((q) => q.data);
  const n = all.reduce((sum, page) => sum + (page?.items.length ?? 0), 0);
  return n === 0 ? '' : all.some((page) => page?.next) ? `${n}+` : String(n);
}

/** How many alarms are open that nobody sees to. */
function useAlarms(): string {
  const { data } = api.useQuery('get', '/alarms', { params: { query: { open: true } } });
  const n = data?.items.filter((a) => !a.acked_at).length ?? 0;
  return n === 0 ? '' : n > 99 ? '99+' : String(n);
}

export function Shell({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const [open, { toggle, close }] = useDisclosure();
  const [at] = useLocation();
  const me = useMe();
  const live = useEvents();
  const counts: Record<string, string> = { approvals: useWaiting(), alarms: useAlarms() };
  useEffect(close, [at, close]);
  return (
    <AppShell header={{ height: 56 }} navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: !open } }} padding={{ base: 'sm', sm: 'lg' }}>
      <a className="skip" href="#content">
        {t('app.skip')}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('app.menu')} />
            <img src={logo} width={32} height={32} alt="" />
            <Text fw={600} fz="lg">
              {t('app.name')}
            </Text>
            <Text c="dimmed" size="sm" visibleFrom="sm">
              {t('app.tagline')}
            </Text>
          </Group>
          <Group gap="sm" wrap="nowrap">
            <Live on={live} />
            <Look />
            <Box visibleFrom="md" maw={170}>
              <Text size="sm" lh={1.2} truncate>
                {me.name}
              </Text>
              <Text size="xs" c="dimmed" lh={1.2}>
                {t(`role.${me.role as 'admin'}`)}
              </Text>
            </Box>
            <ActionIcon variant="default" size="lg" title={`${t('nav.signout')} (${me.name})`} aria-label={`${t('nav.signout')} (${me.name})`} onClick={() => void session.leave().catch(complain)}>
              <IconLogout size={18} />
            </ActionIcon>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={t('app.nav')}>
        <AppShell.Section grow style={{ overflowY: 'auto' }}>
          <Stack gap={2}>
            {[...placesOf(me.role), ...rooms.filter((r) => me.may.includes(r.may))].map(({ to, word, icon: Icon }) => (
              <NavLink
                key={to}
                component={Link}
                href={to}
                label={t(`nav.${word}`)}
                leftSection={<Icon size={20} stroke={1.6} />}
                rightSection={counts[word] && <Badge size="sm" variant="filled" color={word === 'alarms' ? 'red' : 'loa'} circle={counts[word].length < 2}>{counts[word]}</Badge>}
                active={to === '/' ? at === '/' || at.startsWith('/reports') || at.startsWith('/programmes') : at.startsWith(to)}
                aria-current={(to === '/' ? at === '/' : at.startsWith(to)) ? 'page' : undefined}
                color={word === 'urgent' ? 'red' : 'loa'}
                style={{ borderRadius: 8 }}
              />
            ))}
          </Stack>
        </AppShell.Section>
        <AppShell.Section p="xs">
          <Text size="xs" c="dimmed">
            {me.zone === 'Asia/Ho_Chi_Minh' ? t('common.zonevn') : t('common.zone', { zone: me.zone })}
          </Text>
          <Text size="xs" c="dimmed">
            loa-hub {me.version}
          </Text>
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <Box maw={1280} mx="auto">
          {children}
        </Box>
      </AppShell.Main>
    </AppShell>
  );
}

function Live({ on }: { on: boolean }) {
  const { t } = useTranslation();
  const words = t(on ? 'live.on' : 'live.off');
  return (
    <Group gap={6} wrap="nowrap" role="status" aria-label={words} title={words}>
      <Box w={10} h={10} style={{ borderRadius: 5, background: on ? 'var(--mantine-color-green-6)' : 'var(--mantine-color-yellow-6)' }} />
      <Text size="xs" c="dimmed" visibleFrom="lg" aria-hidden>
        {words}
      </Text>
    </Group>
  );
}
