/** All containers of one run of the tests carry it, so that the run can remove what a dead worker left. */
export const RUN_LABEL = 'lifeboat.test.run'
