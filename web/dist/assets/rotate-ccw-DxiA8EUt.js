<<<<<<<< HEAD:web/dist/assets/rotate-ccw-Da5y8lDv.js
import{c as a}from"./index-C7hXARXU.js";const e={name:"rotate-ccw",size:24,node:[["path",{d:"M3 12a9 9 0 1 0 9-9 9.75 9.75 0 0 0-6.74 2.74L3 8",key:"1357e3"}],["path",{d:"M3 3v5h5",key:"1xhq8a"}]]};e.node;const o=a(e);export{o as R};
========
import{c as a}from"./index-CIo-v6-U.js";const e={name:"rotate-ccw",size:24,node:[["path",{d:"M3 12a9 9 0 1 0 9-9 9.75 9.75 0 0 0-6.74 2.74L3 8",key:"1357e3"}],["path",{d:"M3 3v5h5",key:"1xhq8a"}]]};e.node;const o=a(e);export{o as R};
>>>>>>>> srv:web/dist/assets/rotate-ccw-DxiA8EUt.js
