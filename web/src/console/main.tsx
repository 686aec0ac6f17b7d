import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { startRouter } from '../lib/router';
import { App } from './app';
import '../styles/tokens.css';
import '../styles/base.css';
import '../styles/ui.css';
import './console.css';

startRouter();
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
