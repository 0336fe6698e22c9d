using System.Diagnostics;
using System.Globalization;
using GumbelGan.Evaluation;
using GumbelGan.Generators;
using GumbelGan.Tokenization;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using TorchSharp;
using Xunit;

namespace GumbelGan.Tests.Training;

/// <summary>The whole engine against PyTorch's own Python front end: our checkpoint, opened there, gives our likelihood.</summary>
public sealed class PythonPeerTests
{
    // Opens safetensors with json and struct, loads LSTMCell and Linear by name, and computes the teacher-forced NLL of ids read from stdin.
    private const string Script = """
        import json, struct, sys
        import torch
        path, begin, padding = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
        data = open(path, 'rb').read()
        length, = struct.unpack('<Q', data[:8])
        header = json.loads(data[8:8 + length])
        def read(name):
            entry = header[name]
            assert entry['dtype'] == 'F32', entry
            start, end = entry['data_offsets']
            return torch.frombuffer(bytearray(data[8 + length + start:8 + length + end]), dtype=torch.float32).reshape(entry['shape'])
        state = {name: read(name) for name in header if name != '__metadata__'}
        vocabulary, embedding_width = state['embedding.weight'].shape
        hidden = state['output.weight'].shape[1]
        cell = torch.nn.LSTMCell(embedding_width, hidden)
        cell.load_state_dict({name[6:]: value for name, value in state.items() if name.startswith('cell0.')})
        output = torch.nn.Linear(hidden, vocabulary)
        output.load_state_dict({name[7:]: value for name, value in state.items() if name.startswith('output.')})
        cell, output, table = cell.double(), output.double(), state['embedding.weight'].double()
        with torch.no_grad():
            for line in sys.stdin:
                ids = [int(word) for word in line.split()]
                h = c = torch.zeros(1, hidden, dtype=torch.float64)
                previous, total = begin, 0.0
                for target in ids:
                    h, c = cell(table[previous:previous + 1], (h, c))
                    logits = output(h)[0]
                    logits[[begin, padding]] = -1e9
                    total -= torch.log_softmax(logits, 0)[target].item()
                    previous = target
                print(repr(total))
        """;

    [Fact]
    public void The_checkpoint_opened_in_PyTorch_gives_the_same_teacher_forced_likelihood()
    {
        const string Python = "/usr/bin/python3";
        Assert.SkipUnless(File.Exists(Python) && Run(Python, ["-c", "import torch"], "").ExitCode == 0, "Debian's python3-torch is not installed.");
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=gumbel", "generator.hidden=33", "generator.embedding=17"));
        RunFolder folder = RunFolder.Open(run.Run);
        (IGenerator generator, TextTokenizer tokenizer, RunConfig config) = TrainingJob.Load(folder, folder.Latest());
        SequenceSet test = EncodedCorpus.Read(config.Corpus, tokenizer, config.Data).Test;
        int[][] rows = [.. Enumerable.Range(0, 16).Select(i => test[i].ToArray())];
        string input = string.Concat(rows.Select(row => string.Join(' ', row) + "\n"));
        (int exitCode, string printed, string error) = Run(Python,
            ["-c", Script, Path.Combine(folder.Latest().Path, "generator.safetensors"), $"{tokenizer.BeginId}", $"{tokenizer.PaddingId}"], input);
        Assert.True(exitCode == 0, error);
        double[] theirs =
            [.. printed.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => double.Parse(line, CultureInfo.InvariantCulture))];
        using DisposeScope scope = torch.NewDisposeScope();
        using (generator)
        {
            float[] ours = generator.TokenNegativeLogLikelihood(
                SequenceBatch.ToTensor(test, [.. Enumerable.Range(0, 16)], tokenizer.PaddingId)).sum(1).data<float>().ToArray();
            for (int i = 0; i < ours.Length; i++)
            {
                Assert.True(Math.Abs(ours[i] - theirs[i]) < 1e-5 * theirs[i], $"sequence {i}: {ours[i]} here, {theirs[i]} in PyTorch");
            }
        }
    }

    private static (int ExitCode, string Output, string Error) Run(string program, string[] arguments, string input)
    {
        using Process process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        process.WaitForExit();
        return (process.ExitCode, output.Result, error.Result);
    }
}
