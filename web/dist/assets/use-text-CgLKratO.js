<<<<<<<< HEAD:web/dist/assets/use-text-CgLKratO.js
import{e as u,y as c}from"./index-C7hXARXU.js";function f(n){return n!==void 0&&n.length!==n.toString().length}function h(n,r,e,i){const[a,t]=u.useState("");return u.useEffect(()=>{if(e&&!f(e)){const o=()=>t(e.toString());return o(),e.observe(o),()=>e.unobserve(o)}let s=!0;return n.document(r).then(o=>s&&t(c(o?.content??""))),()=>{s=!1}},[n,r,e,i]),a}export{f as i,h as u};
========
import{e as u,y as c}from"./index-CIo-v6-U.js";function f(n){return n!==void 0&&n.length!==n.toString().length}function h(n,r,e,i){const[a,t]=u.useState("");return u.useEffect(()=>{if(e&&!f(e)){const o=()=>t(e.toString());return o(),e.observe(o),()=>e.unobserve(o)}let s=!0;return n.document(r).then(o=>s&&t(c(o?.content??""))),()=>{s=!1}},[n,r,e,i]),a}export{f as i,h as u};
>>>>>>>> srv:web/dist/assets/use-text-D1PdgkMp.js
