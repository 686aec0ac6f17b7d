/* cmd_train.h - training, as other commands use it. */
#ifndef CLI_CMD_TRAIN_H
#define CLI_CMD_TRAIN_H

#include "cli/cli.h"
#include "train/recommend_train.h"

/** Train and publish if the gates pass; prints its steps unless quiet or options bring a progress. */
enum err_code train_and_publish(const struct args *args, struct store *store,
                                const struct train_options *options, bool force,
                                struct train_result *result, bool *published, struct err *err);

#endif
