using GumbelGan.Generators;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training.Configuration;
using TorchSharp;

namespace GumbelGan.Training;

/// <summary>What can be said against a run before anything slow happens and before there is a folder; ranges are checked as keys are read.</summary>
internal static class TrainingChecks
{
    // Weights, their gradient, and Adam's two moments, in single precision.
    private const long BytesAParameter = 4 * sizeof(float);

    /// <summary>Refuses what contradicts itself or the machine, whatever the corpus.</summary>
    /// <exception cref="UserMistakeException">It does; the message says what to change.</exception>
    public static void BeforeReading(RunConfig config)
    {
        if (config.Corpus.Length == 0)
        {
            throw new UserMistakeException("No corpus is given; name a text file with --corpus, for example --corpus corpora/captions.txt.");
        }

        if (config.Device == "cuda" && !torch.cuda.is_available())
        {
            throw new UserMistakeException("The device is cuda, but libtorch finds no CUDA device; use --device cpu, or build against a CUDA "
                + "libtorch (see 'gumbelgan doctor').");
        }

        RefuseNoisyState(config);
        if (config is { Pretraining.Epochs: 0, Adversarial.Steps: 0 })
        {
            throw new UserMistakeException("There is nothing to train: pretraining.epochs and adversarial.steps are both 0; raise one of them.");
        }
    }

    /// <summary>Refuses batches that the ranks cannot share equally.</summary>
    /// <exception cref="UserMistakeException">There is one; the message names it.</exception>
    public static void BeforeSharing(RunConfig config, int ranks)
    {
        AdversarialOptions options = config.Adversarial;
        (string Name, int Size)[] batches =
        [
            .. config.Pretraining.Epochs > 0 ? [("pretraining.batch_size", config.Pretraining.BatchSize)] : Array.Empty<(string, int)>(),
            .. options.Steps > 0 ? [("adversarial.batch_size", options.BatchSize)] : Array.Empty<(string, int)>(),
            .. options.Steps > 0 && config.Objective.HasDiscriminator
                ? [("adversarial.discriminator_batch_size", options.BatchOfDiscriminator)] : Array.Empty<(string, int)>(),
        ];
        if (batches.FirstOrDefault(batch => batch.Size % ranks != 0) is { Name: not null } uneven)
        {
            throw new UserMistakeException(
                $"{uneven.Name} is {uneven.Size}, which {ranks} ranks cannot share equally; make it a multiple of {ranks}, "
                + "or start another number of ranks.");
        }
    }

    /// <summary>Refuses what does not fit the corpus, or the memory once the size of the vocabulary is known.</summary>
    /// <exception cref="UserMistakeException">It does not; the message says what to change.</exception>
    public static void BeforeBuilding(RunConfig config, EncodedCorpus corpus, SequenceFormat format)
    {
        if (corpus.Validation.Count == 0)
        {
            throw new UserMistakeException("No text is held out for validation, by which the best weights are chosen; raise "
                + "data.validation_fraction above 0, for example to 0.05.");
        }

        if (config.Objective.HasDiscriminator && config.Discriminator.ProblemWith(format.Length) is { } problem)
        {
            throw new UserMistakeException(problem);
        }

        long batches = (corpus.Train.Count + config.Pretraining.BatchSize - 1) / config.Pretraining.BatchSize;
        if (config.Pretraining.Epochs * batches + config.Adversarial.DiscriminatorWarmUpSteps + config.Adversarial.Steps > int.MaxValue)
        {
            throw new UserMistakeException($"The run would take more than {int.MaxValue} steps; lower pretraining.epochs or adversarial.steps.");
        }

        RefuseTooLarge("generator", config.Generator.ParameterCount(format.Vocabulary));
        RefuseTooLarge("discriminator", config.Discriminator.ParameterCount(format.Vocabulary));
        RefuseTooLarge("generator", config.Generator.ParameterCount(format.Vocabulary) + config.Discriminator.ParameterCount(format.Vocabulary));
    }

    /// <summary>
    /// Refuses an initial state that is drawn. The probability of a text would be an integral over that state. Pre-training, the validation NLL by
    /// which the best weights are chosen, the test NLL and every divergence compute it from zeros, so they would describe another model than the one
    /// that samples. A bound from many drawn states would not compare with other runs.
    /// </summary>
    /// <exception cref="UserMistakeException">It is.</exception>
    public static void RefuseNoisyState(RunConfig config)
    {
        if (config.Generator.HasHiddenNoise)
        {
            throw new UserMistakeException(
                "generator.noisy_initial_state must be false: likelihoods, by which weights are chosen and runs compared, are "
                + "computed from a zero state, and would be those of another model than the one that samples.");
        }
    }

    /// <summary>
    /// What to tell before training of a tokenizer that does not give words back as they stand in the corpus, so that no grammar of the corpus can
    /// judge its samples; null where it does.
    /// </summary>
    public static string? LinesChanged(EncodedCorpus corpus)
    {
        const int LinesRead = 1000;
        TextTokenizer tokenizer = corpus.Tokenizer;
        if (tokenizer.Options is not { Kind: TokenizerKind.Word, SplitPunctuation: true })
        {
            return null;
        }

        foreach (CorpusLine line in new CorpusReader(corpus.Report.Path).ReadLines().Take(LinesRead))
        {
            string given = tokenizer.Options.Lowercase ? line.Text.ToLowerInvariant() : line.Text;
            int[] ids = tokenizer.Encode(given);
            if (!ids.Contains(tokenizer.UnknownId) && tokenizer.Decode(ids) is { } back && back != given)
            {
                return $"The tokenizer writes '{Excerpt.Of(given)}' of the corpus as '{Excerpt.Of(back)}'. If a grammar is to judge this run, "
                    + "train with tokenizer.split_punctuation=false.";
            }
        }

        return null;
    }

    private static void RefuseTooLarge(string section, long parameters)
    {
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (parameters > available / BytesAParameter)
        {
            throw new UserMistakeException($"{parameters} trained numbers, each with a gradient and two moments, need more than this machine's "
                + $"{available >> 30} GiB of memory; make the sizes below '{section}' smaller.");
        }
    }
}
