/* SPDX-License-Identifier: MIT */
/*
 * What axbench orders from its Windows program, which answers each with 0.
 */
#pragma once

enum { WINE_SET_EVENT, WINE_DUPLICATE, WINE_OPEN, WINE_IDLE };
