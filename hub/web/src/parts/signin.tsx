import { Button, Card, Center, Group, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import logo from '../loa.svg';
import i18n from '../i18n';
import { session } from '../api/session';
import { isProblem } from '../api/client';
import { Look } from './look';
import { Trouble } from './states';

/** Name, password and, where the account has one, the one-time code. */
export function Form({ name: known }: { name?: string }) {
  const { t } = useTranslation();
  const [name, setName] = useState(known ?? '');
  const [password, setPassword] = useState('');
  const [otp, setOtp] = useState('');
  const [asked, setAsked] = useState(false); // for the code
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();

  async function go(e: FormEvent) {
    e.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const answer = await fetch('/api/v1/login', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Accept-Language': i18n.language },
        body: JSON.stringify({ name, password, otp: otp || undefined }),
      });
      if (answer.ok) return await session.load();
      const problem: unknown = await answer.json();
      if (isProblem(problem) && problem.code === 'OTP_REQUIRED') setAsked(true);
      else setError(problem);
    } catch (e) {
      setError(e);
    } finally {
      setBusy(false);
    }
  }

  return (
    <form onSubmit={go}>
      <Stack>
        {!!error && <Trouble error={error} />}
        <TextInput label={t('signin.name')} value={name} onChange={(e) => setName(e.currentTarget.value)} autoComplete="username" required withAsterisk={false} readOnly={!!known} />
        <PasswordInput label={t('signin.password')} value={password} onChange={(e) => setPassword(e.currentTarget.value)} autoComplete="current-password" required withAsterisk={false} data-autofocus autoFocus={!!known} />
        {asked && (
          <TextInput label={t('signin.otp')} description={t('signin.otphint')} value={otp} onChange={(e) => setOtp(e.currentTarget.value)} inputMode="numeric" autoComplete="one-time-code" required withAsterisk={false} autoFocus />
        )}
        <Button type="submit" loading={busy} fullWidth size="md">
          {t('signin.go')}
        </Button>
      </Stack>
    </form>
  );
}

export function SignIn() {
  const { t } = useTranslation();
  return (
    <Center mih="100dvh" p="md" component="main">
      <Stack w="100%" maw={400}>
        <Group justify="space-between">
          <Group gap="sm">
            <img src={logo} width={44} height={44} alt="" />
            <div>
              <Text fw={600} fz="lg" lh={1.2}>
                {t('app.name')}
              </Text>
              <Text size="sm" c="dimmed">
                {t('app.tagline')}
              </Text>
            </div>
          </Group>
          <Look />
        </Group>
        <Card padding="lg" shadow="sm">
          <Title order={1} size="h2" mb={4}>
            {t('signin.title')}
          </Title>
          <Text c="dimmed" size="sm" mb="md">
            {t('signin.lead')}
          </Text>
          <Form />
        </Card>
      </Stack>
    </Center>
  );
}
