/** What a {@link TrainerError} is about; the message names the tensor, step or file and says what to do. */
export type TrainerErrorCode =
  | 'TRAINER_BATCH_INVALID'
  | 'TRAINER_CHECKPOINT_INVALID'
  | 'TRAINER_CHECKPOINT_MISMATCH'
  | 'TRAINER_CONFIG_MISMATCH'
  | 'TRAINER_EVALUATION_EMPTY'
  | 'TRAINER_GRADIENTS_MISMATCH'
  | 'TRAINER_GRADIENTS_NOT_FINITE'
  | 'TRAINER_LABEL_OUT_OF_RANGE'
  | 'TRAINER_LEARNING_RATE_INVALID'
  | 'TRAINER_LOSS_NOT_FINITE'
  | 'TRAINER_NAME_RESERVED'
  | 'TRAINER_NOT_FINITE'
  | 'TRAINER_OPTION_INVALID'
  | 'TRAINER_PARAMETER_UNUSED'
  | 'TRAINER_WORKER_FAILED';

/** The one error class of this package. */
export class TrainerError extends Error {
  override readonly name = 'TrainerError';
  readonly code: TrainerErrorCode;

  constructor(code: TrainerErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
