import { Button, Center } from '@mantine/core';
import { IconMoodSad } from '@tabler/icons-react';
import { Component, type ReactNode } from 'react';
import i18n from '../i18n';
import { Empty } from './states';

/** A page that fails takes nothing else with it; another address tries anew. */
export class ErrorBoundary extends Component<{ children: ReactNode; at?: string }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override componentDidUpdate(before: { at?: string }) {
    if (this.state.failed && before.at !== this.props.at) this.setState({ failed: false });
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <Center mih="60vh">
        <Empty icon={<IconMoodSad size={48} stroke={1.4} />} title={i18n.t('error.page')} hint={i18n.t('error.pagehint')}>
          <Button mt="sm" onClick={() => location.reload()}>
            {i18n.t('error.reload')}
          </Button>
        </Empty>
      </Center>
    );
  }
}
