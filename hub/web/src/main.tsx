import '@fontsource/be-vietnam-pro/vietnamese-400.css';
import '@fontsource/be-vietnam-pro/latin-400.css';
import '@fontsource/be-vietnam-pro/vietnamese-600.css';
import '@fontsource/be-vietnam-pro/latin-600.css';
import '@mantine/core/styles.css';
import './loa.css';
import { createRoot } from 'react-dom/client';
import { setNonce } from 'get-nonce';
import { nonce } from './nonce';
import { session } from './api/session';
import { Root } from './root';

void session.load();
setNonce(nonce); // of react-remove-scroll, under Mantine's dialogs
const root = document.getElementById('root');
if (root) createRoot(root).render(<Root />);
