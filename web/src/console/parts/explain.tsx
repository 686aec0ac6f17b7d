/* explain.tsx - why a product is in a list or not, as the code that chose tells it (docs/rules.md). */
import { useState } from 'react';
import { useSettings } from '../../state/settings';
import type { ExplainedProduct, Explanation, PreviewQuery } from '../api';
import { useLive } from '../lib/live';
import { useConsole } from '../session';
import { useTexts } from '../texts';
import { Nothing, Shown, Status, Table } from './page';
import { ProductPicker } from './pickers';

function WhyNot({ product }: { product: ExplainedProduct }) {
  const c = useTexts();
  const { number } = useSettings();
  const why = product.why_not;
  if (!why) return null;
  return (
    <>
      {c.explain.whyNot[why.code] ?? why.code}
      {why.clause && <span className="code"> {why.clause}</span>}
      {why.rule_id && <span className="code"> {why.rule_id}</span>}
      {why.product_id && <span className="code"> {why.product_id}</span>}
      {why.last_score !== undefined && ` (${number(why.last_score, 3)})`}
    </>
  );
}

function Row({ product }: { product: ExplainedProduct }) {
  const c = useTexts();
  const { number } = useSettings();
  return (
    <tr data-explained={product.id}>
      <th scope="row" className="wrap">
        {product.title}
        <span className="interval-text code">{product.id}</span>
      </th>
      <td data-label={c.explain.outcome}>
        {product.shown ? (
          <Status tone="good">{c.explain.shownAt(product.position ?? 0)}</Status>
        ) : (
          <Status tone="plain">{c.explain.notShown}</Status>
        )}
      </td>
      <td className="number" data-label={c.placements.score}>
        {number(product.score, 3)}
        <span className="interval-text">
          {number(product.total, 3)} × {number(product.factor, 2)}
        </span>
      </td>
      <td className="result" data-label={c.explain.because}>
        <WhyNot product={product} />
        <ul>
          {product.sources.map((source) => (
            <li key={source.source}>
              {c.explain.sources[source.source] ?? source.source}: {number(100 * source.of_total)} %
              {source.because.length > 0 && (
                <span className="quiet code">
                  {' '}
                  {source.because
                    .map(({ product_id, reason }) => product_id ?? reason)
                    .slice(0, 3)
                    .join(', ')}
                </span>
              )}
            </li>
          ))}
          {product.rules.map((rule) => (
            <li key={rule.id}>
              {c.rules.actions[rule.action]}: <span className="code">{rule.id}</span>
            </li>
          ))}
        </ul>
      </td>
    </tr>
  );
}

function Rules({ rules }: { rules: Explanation['rules'] }) {
  const c = useTexts();
  if (rules.length === 0) return null;
  return (
    <ul className="rule-states" aria-label={c.rules.title}>
      {rules.map((rule) => (
        <li key={rule.id}>
          <Status tone={rule.in_force ? 'good' : 'plain'}>
            {rule.in_force ? c.explain.inForce : (c.explain.outside[rule.why_not ?? ''] ?? '–')}
          </Status>{' '}
          {rule.name || rule.id} · {c.rules.actions[rule.action]}
        </li>
      ))}
    </ul>
  );
}

/** The list that the preview shows, told product by product, and of any other product why it is not there. */
export function Explained({ query, lang }: { query: PreviewQuery; lang: string | undefined }) {
  const c = useTexts();
  const { api } = useConsole();
  const [asked, setAsked] = useState<string[]>([]);
  const live = useLive(
    JSON.stringify([query, asked]),
    (signal) => api.explain(query, asked, signal),
    0,
  );
  return (
    <div className="explained">
      <ProductPicker
        label={c.explain.ask}
        value={asked}
        single={false}
        lang={lang}
        onChange={setAsked}
      />
      <Shown live={live}>
        {(told) => (
          <>
            <Rules rules={told.rules} />
            {told.products.length === 0 ? (
              <Nothing title={c.placements.empty} />
            ) : (
              <Table stacked label={c.explain.title}>
                <thead>
                  <tr>
                    <th scope="col">{c.placements.product}</th>
                    <th scope="col">{c.explain.outcome}</th>
                    <th scope="col" className="number">
                      {c.placements.score}
                    </th>
                    <th scope="col">{c.explain.because}</th>
                  </tr>
                </thead>
                <tbody>
                  {told.products.map((product) => (
                    <Row key={product.id} product={product} />
                  ))}
                </tbody>
              </Table>
            )}
          </>
        )}
      </Shown>
    </div>
  );
}
