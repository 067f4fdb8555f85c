/**
 * A table that becomes a list of cards where it has no room.
 *
 * @module
 */
import type { ReactElement, ReactNode } from "react";
import "./reflow-table.css";

/** A row: its first cell is what it is about. */
export interface TableRow {
  key: string;
  cells: ReactNode[];
  isCurrent?: boolean;
}

/**
 * A table. Its last column may hold what can be done, which needs no name on a card.
 *
 * The roles are said expressly, since some browsers forget them where the cells become cards.
 */
export function ReflowTable({
  label,
  columns,
  rows,
  endsInActions = false,
}: {
  label: string;
  columns: readonly string[];
  rows: readonly TableRow[];
  endsInActions?: boolean;
}): ReactElement {
  return (
    <table className="reflow" role="table" aria-label={label}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <th key={column} scope="col" role="columnheader">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map(({ key, cells: [first, ...others], isCurrent }) => (
          <tr key={key} role="row" aria-current={isCurrent || undefined}>
            <th scope="row" role="rowheader">
              {first}
            </th>
            {others.map((cell, index) => {
              const isAction = endsInActions && index === others.length - 1;
              return (
                <td key={index} role="cell" data-column={isAction ? undefined : columns[index + 1]}>
                  {cell}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
