import { Button } from '@mantine/core';
import { IconMapOff } from '@tabler/icons-react';
import { lazy, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Redirect, Route, Switch, useLocation } from 'wouter';
import { useSession } from './api/session';
import Library from './pages/library'; // the first page: on a slow line each wave of files costs a round trip
import { ErrorBoundary } from './parts/boundary';
import { Shell } from './parts/shell';
import { Empty, Loading } from './parts/states';

const Report = lazy(() => import('./pages/report'));
const Calendar = lazy(() => import('./pages/calendar'));
const Approvals = lazy(() => import('./pages/approvals'));
const Readiness = lazy(() => import('./pages/readiness'));
const Plays = lazy(() => import('./pages/plays'));
const Why = lazy(() => import('./pages/why'));
const SignInAgain = lazy(() => import('./parts/again'));
const Commune = lazy(() => import('./pages/commune'));
const Programme = lazy(() => import('./pages/programme'));
const Urgent = lazy(() => import('./pages/urgent'));
const Fleet = lazy(() => import('./pages/fleet'));
const Alarms = lazy(() => import('./pages/alarms'));
const Evidence = lazy(() => import('./pages/evidence'));
const Print = lazy(() => import('./pages/print'));
const People = lazy(() => import('./pages/people'));
const Areas = lazy(() => import('./pages/areas'));
const Audit = lazy(() => import('./pages/audit'));
const System = lazy(() => import('./pages/system'));
const Pairing = lazy(() => import('./pages/pairing'));
const Agent = lazy(() => import('./pages/agent'));

export function App() {
  const [at] = useLocation();
  const { phase, me } = useSession();
  const role = me?.role;
  if (at === '/evidence/print') // a sheet of paper has no menu
    return (
      <ErrorBoundary at={at}>
        <Suspense fallback={<Loading />}>
          <Print />
        </Suspense>
      </ErrorBoundary>
    );
  return (
    <>
      <Shell>
        <ErrorBoundary at={at}>
          <Suspense fallback={<Loading />}>
            <Switch>
              <Route path="/">{role === 'operator' ? <Redirect to="/commune" replace /> : <Library />}</Route>
              <Route path="/library" component={Library} />
              <Route path="/commune" component={Commune} />
              <Route path="/reports/:id">{({ id }) => <Report id={id} />}</Route>
              <Route path="/programmes/new">{() => <Programme />}</Route>
              <Route path="/programmes/:id">{({ id }) => <Programme id={id} />}</Route>
              <Route path="/calendar" component={Calendar} />
              <Route path="/approvals" component={Approvals} />
              <Route path="/readiness" component={Readiness} />
              <Route path="/plays" component={Plays} />
              <Route path="/why" component={Why} />
              <Route path="/urgent" component={Urgent} />
              <Route path="/fleet" component={Fleet} />
              <Route path="/fleet/:id">{({ id }) => <Agent key={id} id={id} />}</Route>
              <Route path="/pairing" component={Pairing} />
              <Route path="/alarms" component={Alarms} />
              <Route path="/evidence" component={Evidence} />
              <Route path="/people" component={People} />
              <Route path="/areas" component={Areas} />
              <Route path="/audit" component={Audit} />
              <Route path="/system" component={System} />
              <Route>
                <Nowhere />
              </Route>
            </Switch>
          </Suspense>
        </ErrorBoundary>
      </Shell>
      {phase === 'ended' && (
        <Suspense>
          <SignInAgain />
        </Suspense>
      )}
    </>
  );
}

function Nowhere() {
  const { t } = useTranslation();
  return (
    <Empty icon={<IconMapOff size={48} stroke={1.4} />} title={t('error.notfound')} hint={t('error.notfoundhint')}>
      <Button component={Link} href="/" mt="sm">
        {t('nav.library')}
      </Button>
    </Empty>
  );
}
