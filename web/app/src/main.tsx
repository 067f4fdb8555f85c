/**
 * The page's beginning.
 *
 * @module
 */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Root } from "./Root.tsx";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/views.css";

const place = document.getElementById("root");
if (!place) throw new Error("the page has no element #root");
createRoot(place).render(
  <StrictMode>
    <Root />
  </StrictMode>,
);
