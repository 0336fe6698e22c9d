using System.Globalization;
using Google.Protobuf;
using Tensorboard;
using TorchSharp.Tensorboard;
using TorchSharp.Utils.tensorboard.Enums;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class utils
        {
            public static partial class tensorboard
            {
                /// <summary>A writer of event files in <paramref name="log_dir"/> for TensorBoard.</summary>
                /// <param name="log_dir">The folder; runs/MONTH-DAY_TIME_HOST by default.</param>
                /// <param name="filename_suffix">Added to the file's name after a point.</param>
                /// <param name="createRunName">Makes a folder named by time and host inside <paramref name="log_dir"/>.</param>
                public static Modules.SummaryWriter SummaryWriter(string? log_dir = null, string? filename_suffix = null, bool createRunName = false)
                {
                    string folder = string.IsNullOrEmpty(log_dir) ? "runs" : log_dir;
                    if (createRunName || string.IsNullOrEmpty(log_dir))
                    {
                        string time = DateTime.Now.ToString("MMMd_H-m-s", CultureInfo.InvariantCulture);
                        folder = Path.Combine(folder, $"{time}_{Environment.MachineName}");
                    }

                    return new Modules.SummaryWriter(folder, filename_suffix);
                }
            }
        }
    }
}

namespace TorchSharp.Modules
{
    /// <summary>Writes scalars, text and histograms into event files for TensorBoard.</summary>
    public class SummaryWriter
    {
        private static int s_files;

        private readonly EventFile _file;
        private readonly Dictionary<string, EventFile> _series = [];

        internal SummaryWriter(string log_dir, string? filename_suffix)
        {
            LogDir = log_dir;
            _file = Create(log_dir, filename_suffix);
        }

        /// <summary>The folder that holds the event file.</summary>
        public string LogDir { get; }

        /// <summary>Records one number. <paramref name="walltime"/> is in seconds since 1970; now by default.</summary>
        public void add_scalar(string tag, float scalar_value, int global_step, long? walltime = null) =>
            Write(_file, new Summary.Types.Value { Tag = tag, SimpleValue = scalar_value }, global_step, walltime);

        /// <summary>Records several numbers under one tag, each series in a folder of its own, so that TensorBoard draws them in one chart.</summary>
        public void add_scalars(string main_tag, IDictionary<string, float> tag_scalar_dict, int global_step, long? walltime = null) =>
            add_scalars(main_tag, [.. tag_scalar_dict.Select(pair => (pair.Key, pair.Value))], global_step, walltime);

        /// <summary>Records several numbers under one tag, each series in a folder of its own, so that TensorBoard draws them in one chart.</summary>
        public void add_scalars(string main_tag, IList<(string, float)> tag_scalar_dict, int global_step, long? walltime = null)
        {
            foreach ((string series, float value) in tag_scalar_dict)
            {
                string folder = Path.Combine(LogDir, $"{main_tag}_{series}");
                if (!_series.TryGetValue(folder, out EventFile? file))
                {
                    file = Create(folder, null);
                    _series.Add(folder, file);
                }

                Write(file, new Summary.Types.Value { Tag = main_tag, SimpleValue = value }, global_step, walltime);
            }
        }

        /// <summary>Records text, which TensorBoard shows as Markdown.</summary>
        public void add_text(string tag, string text_string, int global_step, long? walltime = null)
        {
            var shape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dim { Size = 1 } } };
            var value = new Summary.Types.Value
            {
                Tag = tag + "/text_summary",
                Metadata = new SummaryMetadata { PluginData = new SummaryMetadata.Types.PluginData { PluginName = "text" } },
                Tensor = new TensorProto { Dtype = DataType.DtString, TensorShape = shape, StringVal = { ByteString.CopyFromUtf8(text_string) } },
            };
            Write(_file, value, global_step, walltime);
        }

        /// <summary>Records how the elements of <paramref name="values"/>, of any shape and real type, are distributed.</summary>
        /// <param name="tag">The chart's name.</param>
        /// <param name="values">At least one element.</param>
        /// <param name="global_step">The step.</param>
        /// <param name="bins">How the bins are chosen.</param>
        /// <param name="walltime">Seconds since 1970; now by default.</param>
        /// <param name="max_bins">Neighbouring bins are joined until about so many are left; null keeps all.</param>
        public void add_histogram(
            string tag,
            torch.Tensor values,
            int global_step,
            HistogramBinSelector bins = HistogramBinSelector.Tensorflow,
            long? walltime = null,
            long? max_bins = null)
        {
            using DisposeScope scope = torch.NewDisposeScope();
            double[] elements = values.detach().cpu().to_type(torch.ScalarType.Float64).contiguous().data<double>().ToArray();
            Write(_file, new Summary.Types.Value { Tag = tag, Histo = Histogram.Make(elements, bins, max_bins) }, global_step, walltime);
        }

        private static EventFile Create(string folder, string? suffix)
        {
            Directory.CreateDirectory(folder);
            string name = string.Create(
                CultureInfo.InvariantCulture,
                $"events.out.tfevents.{DateTime.Now.Ticks}.{Environment.MachineName}.{Environment.ProcessId}.{Interlocked.Increment(ref s_files)}");
            return new EventFile(Path.Combine(folder, string.IsNullOrEmpty(suffix) ? name : $"{name}.{suffix}"));
        }

        private static void Write(EventFile file, Summary.Types.Value value, int step, long? walltime) => file.Append(new Event
        {
            Step = step,
            WallTime = walltime ?? DateTimeOffset.UtcNow.ToUnixTimeSeconds(),
            Summary = new Summary { Value = { value } },
        });
    }
}
