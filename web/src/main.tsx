import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { startRouter } from './lib/router';
import './styles/tokens.css';
import './styles/base.css';
import './styles/ui.css';
import './styles/shop.css';
import './styles/pages.css';

startRouter();
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
